/** Edits the configuration, as a form or as JSON. What is edited is compared with what was there when that began. */

import { Button, Group, Paper, SegmentedControl, Stack, Textarea, TextInput, Title } from "@mantine/core";
import { useState } from "react";

import { useBase } from "#/editing/base";
import { applied, differences, type Fields, type Version } from "#/editing/merge";
import { useStrings } from "#/language/strings";
import { useAddressValues } from "#/pieces/address-values";
import { Empty } from "#/pieces/empty";
import { Problems } from "#/pieces/problems";

import { Review } from "./review";
import { SettingField } from "./setting-field";
import { UNREADABLE, versionOf, type Configuration, type Setting } from "./settings";
import { strings } from "./strings";

interface Props {
  configuration: Configuration;
  /** Reads it again. */
  read: () => Promise<Configuration>;
}

export function Editor({ configuration, read }: Props) {
  const t = useStrings(strings);
  const [search, set] = useAddressValues();
  const { base, begin, restart } = useBase(versionOf(configuration));
  const [edits, setEdits] = useState<Fields>({});
  const [text, setText] = useState<string | null>(null);
  const [reviewing, setReviewing] = useState(false);
  /** Fields with a text of their own begin anew with each. */
  const [generation, setGeneration] = useState(0);
  const asJson = search.get("view") === "json";
  const wanted = search.get("q") ?? "";
  const written = text ?? jsonOf(base.fields);
  const whole = objectIn(written);
  const changes = asJson ? (whole === null ? {} : differences(base.fields, whole)) : edits;
  const count = Object.keys(changes).length;
  const unreadable = asJson ? whole === null : Object.values(edits).includes(UNREADABLE);
  const goOn = (version: Version | null, kept: Fields) => {
    const done = Object.keys(kept).length === 0;
    restart(done ? null : version);
    setEdits(kept);
    setText(done || version === null ? null : jsonOf(applied(version.fields, kept)));
    setGeneration((before) => before + 1);
  };
  const show = (view: string) => {
    // What was begun in one view goes on in the other.
    goOn(base, changes);
    set("view", view === "json" ? "json" : "");
  };
  return (
    <>
      <Problems title={t.problems} problems={configuration.problems} />
      <Group align="flex-end" gap="sm" mb="md">
        {!asJson && <TextInput label={t.search} value={wanted} onChange={(event) => set("q", event.currentTarget.value)} style={{ flex: "1 1 200px" }} />}
        <SegmentedControl
          aria-label={t.form}
          value={asJson ? "json" : "form"}
          disabled={unreadable}
          onChange={show}
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
          onChange={(event) => {
            begin();
            setText(event.currentTarget.value);
          }}
          classNames={{ input: "app-mono" }}
          spellCheck={false}
          autosize
          minRows={12}
          maxRows={40}
        />
      ) : (
        <Form
          key={generation}
          settings={configuration.settings}
          wanted={wanted}
          edits={edits}
          onEdit={(after) => {
            begin();
            setEdits(after);
          }}
        />
      )}
      {(count > 0 || unreadable) && (
        <Paper p="sm" mt="md" pos="sticky" bottom={12} shadow="md" role="region" aria-label={t.changed(count)} style={{ zIndex: 2 }}>
          <Group justify="space-between">
            <span>{t.changed(count)}</span>
            <Group gap="xs">
              <Button variant="default" onClick={() => goOn(null, {})}>
                {t.discard}
              </Button>
              <Button disabled={unreadable || count === 0} onClick={() => setReviewing(true)}>
                {t.review}
              </Button>
            </Group>
          </Group>
        </Paper>
      )}
      {reviewing && (
        <Review
          key={base.revision}
          changes={changes}
          base={base}
          read={async () => versionOf(await read())}
          onClose={() => setReviewing(false)}
          onTake={goOn}
          onSaved={async () => {
            // What was saved has to be read first: an edit that begins before would be told from what was there earlier.
            await read().catch(() => null);
            setReviewing(false);
            goOn(null, {});
          }}
        />
      )}
    </>
  );
}

interface FormProps {
  settings: readonly Setting[];
  wanted: string;
  edits: Fields;
  onEdit: (edits: Fields) => void;
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

function jsonOf(fields: Fields): string {
  return JSON.stringify(fields, null, 2);
}

function objectIn(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;
  } catch {
    return null;
  }
}
