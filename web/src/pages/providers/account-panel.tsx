/** One account: its fields in a form and as JSON, and what can be done with it; or a new one. */

import { Alert, Button, Group, NumberInput, Select, Stack, Switch, TagsInput, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "#/api/client";
import { useStrings } from "#/language/strings";
import { Failure } from "#/pieces/failure";
import { reported, tell } from "#/pieces/report";
import { SecretInput } from "#/pieces/secret-input";
import { SidePanel } from "#/pieces/side-panel";

import { NAMES, useRenewal, type Account } from "./accounts";
import { useDeeds } from "./deeds";
import { strings } from "./strings";

type Fields = Record<string, unknown>;

interface Props {
  /** Null for a new one. */
  account: Account | null;
  types: readonly string[];
  onClose: () => void;
}

export function AccountPanel({ account, types, onClose }: Props) {
  const t = useStrings(strings);
  const renew = useRenewal();
  const [type, setType] = useState(account?.type ?? types[0] ?? "");
  const [text, setText] = useState(() => JSON.stringify(account?.fields ?? {}, null, 2));
  const fields = fieldsIn(text);
  const fixed = account !== null && account.source !== "provider_pools.json";
  const set = (name: string, value: unknown) => {
    const { [name]: _, ...others } = fields ?? {};
    setText(JSON.stringify(value === "" || value === undefined ? others : { ...others, [name]: value }, null, 2));
  };
  const save = useMutation({
    mutationFn: async () => {
      if (fields === null) return;
      if (account === null) await call("POST /api/providers", { body: { providerType: type, providerConfig: fields } });
      else {
        const body = { providerConfig: changesOf(account.fields, fields) };
        await call("PUT /api/providers/{provider_type}/{uuid}", { path: { provider_type: type, uuid: account.uuid }, body });
      }
    },
    onSuccess: async () => {
      tell(t.saved);
      await renew();
      onClose();
    },
  });
  return (
    <SidePanel opened onClose={onClose} title={account?.name ?? t.add}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Stack gap="sm">
          {save.isError && <Failure error={save.error} />}
          {fixed && <Alert color="yellow">{t.readOnly}</Alert>}
          {account !== null && account.why !== null && (
            <Text size="sm" className="app-break">
              <b>{t.why}:</b> {account.why}
            </Text>
          )}
          <Select label={t.type} data={[...types]} value={type} allowDeselect={false} disabled={account !== null} onChange={(value) => setType(value ?? "")} />
          {fields !== null && <Form type={type} fields={fields} onSet={set} />}
          <Textarea
            label={t.more}
            description={t.moreHelp}
            value={text}
            error={fields === null ? t.badJson : undefined}
            onChange={(event) => setText(event.currentTarget.value)}
            classNames={{ input: "app-mono" }}
            spellCheck={false}
            autosize
            minRows={3}
            maxRows={16}
          />
          <Button type="submit" loading={save.isPending} disabled={fields === null || fixed}>
            {account === null ? t.add : t.save}
          </Button>
        </Stack>
      </form>
      {account !== null && <Deeds account={account} onClose={onClose} />}
    </SidePanel>
  );
}

interface FormProps {
  type: string;
  fields: Fields;
  onSet: (name: string, value: unknown) => void;
}

function Form({ type, fields, onSet }: FormProps) {
  const t = useStrings(strings);
  const names = NAMES[type];
  const textOf = (name: string) => (typeof fields[name] === "string" ? fields[name] : "");
  const numberOf = (name: string) => (typeof fields[name] === "number" ? fields[name] : "");
  return (
    <>
      <TextInput label={t.customName} value={textOf("customName")} data-autofocus onChange={(event) => onSet("customName", event.currentTarget.value)} />
      {names !== undefined && (
        <>
          <SecretInput label={t.key} description={t.keyHelp} value={textOf(names[0])} autoComplete="off" onChange={(event) => onSet(names[0], event.currentTarget.value)} />
          <TextInput label={t.baseUrl} value={textOf(names[1])} onChange={(event) => onSet(names[1], event.currentTarget.value)} />
        </>
      )}
      <TagsInput
        label={t.models}
        description={t.modelsHelp}
        value={Array.isArray(fields.supportedModels) ? fields.supportedModels.map(String) : []}
        onChange={(value) => onSet("supportedModels", value.length === 0 ? undefined : value)}
      />
      <Group grow>
        <NumberInput label={t.weight} min={0} value={numberOf("weight")} onChange={(value) => onSet("weight", value)} />
        <NumberInput label={t.concurrency} min={1} allowDecimal={false} value={numberOf("concurrencyLimit")} onChange={(value) => onSet("concurrencyLimit", value)} />
      </Group>
      <Switch
        label={t.inUse}
        checked={fields.isDisabled !== true}
        onChange={(event) => onSet("isDisabled", !event.currentTarget.checked)}
      />
    </>
  );
}

function Deeds({ account, onClose }: { account: Account; onClose: () => void }) {
  const t = useStrings(strings);
  const renew = useRenewal();
  const { confirmation, bulk } = useDeeds(onClose);
  const path = { provider_type: account.type, uuid: account.uuid };
  const check = async () => {
    const { healthy, message } = await call("POST /api/providers/{provider_type}/{uuid}/health-check", { path });
    const words = healthy === true ? t.checked : healthy === null ? t.notChecked : t.failedCheck;
    tell(`${account.name}: ${words}. ${message}`, healthy === false ? "red" : "green");
  };
  const detect = async () => {
    const { models } = await call("POST /api/providers/{provider_type}/{uuid}/detect-models", { path, body: null });
    await call("PUT /api/providers/{provider_type}/{uuid}", { path, body: { providerConfig: { supportedModels: models } } });
    tell(t.detected(models.length));
    onClose();
  };
  const run = async (work: Promise<unknown>) => {
    await reported(work);
    await renew();
  };
  return (
    <Group gap="xs" mt="xl">
      {confirmation}
      <Button size="xs" variant="default" onClick={() => void run(check())}>
        {t.check}
      </Button>
      <Button size="xs" variant="default" onClick={() => void run(detect())}>
        {t.detect}
      </Button>
      {account.state === "disabled" ? (
        <Button size="xs" variant="default" onClick={() => bulk.enable([account])}>
          {t.enable}
        </Button>
      ) : (
        <Button size="xs" variant="default" onClick={() => bulk.disable([account])}>
          {t.disable}
        </Button>
      )}
      <Button size="xs" variant="light" color="red" onClick={() => bulk.remove([account])}>
        {t.remove}
      </Button>
    </Group>
  );
}

/** Fields that are others now; one that is gone is removed by null. */
function changesOf(before: Fields, after: Fields): Fields {
  const changed = Object.entries(after).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]));
  const gone = Object.keys(before).filter((name) => !(name in after));
  return { ...Object.fromEntries(changed), ...Object.fromEntries(gone.map((name) => [name, null])) };
}

function fieldsIn(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;
  } catch {
    return null;
  }
}
