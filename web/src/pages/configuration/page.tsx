/** The configuration: a form with help and sources, the file itself as JSON, and a look at every change before it is saved. */

import { Alert, Button, Group, List, Paper, SegmentedControl, Stack, Textarea, TextInput, Title } from "@mantine/core";
import { IconReload } from "@tabler/icons-react";
import { useState } from "react";
import { useSearchParams } from "wouter";

import { call } from "#/api/client";
import { useStrings } from "#/language/strings";
import { Empty } from "#/pieces/empty";
import { Loaded } from "#/pieces/loaded";
import { PageHeader } from "#/pieces/page-header";
import { reported, tell } from "#/pieces/report";
import { strings as shell } from "#/shell/strings";

import { Review } from "./review";
import { SettingField } from "./setting-field";
import { useConfiguration, type Configuration, type Setting } from "./settings";
import { strings } from "./strings";

type Changes = Record<string, unknown>;

export default function ConfigurationPage() {
  const t = useStrings(strings);
  const names = useStrings(shell);
  const query = useConfiguration();
  const reload = async () => {
    const answer = await call("POST /api/reload-config");
    tell(answer.success ? t.reloaded : answer.message, answer.success ? "green" : "yellow");
    await query.refetch();
  };
  return (
    <>
      <PageHeader title={names.pages.configuration} text={t.text}>
        <Button variant="default" leftSection={<IconReload size={16} aria-hidden />} onClick={() => void reported(reload())}>
          {t.reload}
        </Button>
      </PageHeader>
      <Loaded query={query} height={480}>
        {(configuration) => <Editor configuration={configuration} onChanged={() => void query.refetch()} />}
      </Loaded>
    </>
  );
}

function Editor({ configuration, onChanged }: { configuration: Configuration; onChanged: () => void }) {
  const t = useStrings(strings);
  const [search, setSearch] = useSearchParams();
  const [edits, setEdits] = useState<Changes>({});
  const [text, setText] = useState<string | null>(null);
  const [reviewing, setReviewing] = useState(false);
  const asJson = search.get("view") === "json";
  const wanted = search.get("q") ?? "";
  const written = text ?? JSON.stringify(configuration.stored, null, 2);
  const whole = objectIn(written);
  const changes = asJson ? differences(configuration.stored, whole) : edits;
  const count = Object.keys(changes).length;
  const set = (name: string, value: string) =>
    setSearch(
      (before) => {
        if (value === "") before.delete(name);
        else before.set(name, value);
        return before;
      },
      { replace: true },
    );
  const forget = () => {
    setEdits({});
    setText(null);
  };
  return (
    <>
      {configuration.problems.length > 0 && <Problems problems={configuration.problems} />}
      <Group align="flex-end" gap="sm" mb="md">
        {!asJson && <TextInput label={t.search} value={wanted} onChange={(event) => set("q", event.currentTarget.value)} style={{ flex: "1 1 200px" }} />}
        <SegmentedControl
          aria-label={t.form}
          value={asJson ? "json" : "form"}
          onChange={(view) => set("view", view === "json" ? "json" : "")}
          data={[
            { value: "form", label: t.form },
            { value: "json", label: t.json },
          ]}
        />
      </Group>
      {asJson ? (
        <Textarea
          label="config.json"
          description={t.jsonHelp}
          value={written}
          error={whole === null ? t.badJson : undefined}
          onChange={(event) => setText(event.currentTarget.value)}
          classNames={{ input: "app-mono" }}
          spellCheck={false}
          autosize
          minRows={12}
          maxRows={40}
        />
      ) : (
        <Form settings={configuration.settings} wanted={wanted} edits={edits} onEdit={setEdits} />
      )}
      {count > 0 && (
        <Paper p="sm" mt="md" pos="sticky" bottom={12} shadow="md" role="region" aria-label={t.changed(count)} style={{ zIndex: 2 }}>
          <Group justify="space-between">
            <span>{t.changed(count)}</span>
            <Group gap="xs">
              <Button variant="default" onClick={forget}>
                {t.discard}
              </Button>
              <Button onClick={() => setReviewing(true)}>{t.review}</Button>
            </Group>
          </Group>
        </Paper>
      )}
      {reviewing && (
        <Review
          changes={changes}
          revision={configuration.revision}
          onClose={() => setReviewing(false)}
          onChanged={(saved) => {
            setReviewing(false);
            if (saved) forget();
            onChanged();
          }}
        />
      )}
    </>
  );
}

interface FormProps {
  settings: readonly Setting[];
  wanted: string;
  edits: Changes;
  onEdit: (edits: Changes) => void;
}

function Form({ settings, wanted, edits, onEdit }: FormProps) {
  const t = useStrings(strings);
  const found = settings.filter((one) => `${one.name} ${one.title} ${one.help}`.toLowerCase().includes(wanted.toLowerCase()));
  if (found.length === 0) return <Empty title={t.noMatch} />;
  return (
    <Stack gap="lg">
      {[...Map.groupBy(found, (one) => one.group)].map(([group, members]) => (
        <section key={group} aria-label={group}>
          <Title order={2} size="h5" mb="xs">
            {group}
          </Title>
          <Stack gap="xs">
            {members.map((setting) => (
              <SettingField
                key={setting.name}
                setting={setting}
                edited={edits[setting.name]}
                onChange={(value) => onEdit({ ...edits, [setting.name]: value })}
              />
            ))}
          </Stack>
        </section>
      ))}
    </Stack>
  );
}

function Problems({ problems }: { problems: readonly string[] }) {
  const t = useStrings(strings);
  return (
    <Alert color="yellow" title={t.problems} mb="md">
      <List size="sm">
        {problems.map((problem) => (
          <List.Item key={problem} className="app-break">
            {problem}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

function objectIn(text: string): Changes | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Changes) : null;
  } catch {
    return null;
  }
}

/** Fields that are others now; one that is gone is removed by null. */
function differences(before: Changes, after: Changes | null): Changes {
  if (after === null) return {};
  const changed = Object.entries(after).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]));
  const gone = Object.keys(before).filter((name) => !(name in after));
  return { ...Object.fromEntries(changed), ...Object.fromEntries(gone.map((name) => [name, null])) };
}
