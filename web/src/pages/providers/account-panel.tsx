/** One account: its fields in a form and as JSON, and what can be done with it; or a new one. */

import { Alert, Button, Group, NumberInput, Select, Stack, Switch, TagsInput, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "#/api/client";
import { useBase } from "#/editing/base";
import { Conflict } from "#/editing/conflict";
import { applied, differences, isConflict, sent, type Fields, type Version } from "#/editing/merge";
import { useStrings } from "#/language/strings";
import { Failure } from "#/pieces/failure";
import { tell } from "#/pieces/report";
import { SecretInput } from "#/pieces/secret-input";
import { SidePanel } from "#/pieces/side-panel";

import { AccountDeeds } from "./account-deeds";
import { CHANGE, NAMES, pathOf, readAccounts, useRenewal, versionIn, type Account, type Accounts } from "./accounts";
import { strings } from "./strings";

interface Props {
  /** The account as it was when the panel was opened; null for a new one. */
  opened: Account | null;
  all: Accounts;
  onClose: () => void;
}

const NEW: Version = { fields: {}, revision: null };

export function AccountPanel({ opened, all, onClose }: Props) {
  const t = useStrings(strings);
  const renew = useRenewal();
  const there = opened === null ? null : versionIn(all, opened);
  const gone = opened !== null && there === null;
  const { base, begin, restart } = useBase(there ?? (opened === null ? NEW : { fields: opened.fields, revision: null }));
  const [type, setType] = useState(opened?.type ?? all.types[0] ?? "");
  const [text, setText] = useState<string | null>(null);
  const written = text ?? jsonOf(base.fields);
  const fields = fieldsIn(written);
  const changes = fields === null ? {} : differences(base.fields, fields);
  const fixed = opened !== null && opened.source !== "provider_pools.json";
  const write = (changed: string) => {
    begin();
    setText(changed);
  };
  const set = (name: string, value: unknown) => {
    const { [name]: _, ...others } = fields ?? {};
    write(jsonOf(value === "" || value === undefined ? others : { ...others, [name]: value }));
  };
  const read = async () => (opened === null ? null : versionIn(await readAccounts(), opened));
  const save = useMutation({
    mutationFn: async () => {
      if (fields === null) return;
      if (opened === null || gone) await call("POST /api/providers", { body: { providerType: type, providerConfig: applied({}, fields) } });
      else await sent(base, read, (headers) => call(CHANGE, { path: pathOf(opened), body: { providerConfig: { ...changes } }, headers }));
    },
    onSuccess: async () => {
      tell(t.saved);
      await renew();
      onClose();
    },
    onError: () => void renew(),
  });
  const take = (version: Version, kept: Fields) => {
    restart(version);
    setText(jsonOf(applied(version.fields, kept)));
    save.reset();
  };
  const conflict = isConflict(save.error) && !gone;
  return (
    <SidePanel opened onClose={onClose} title={opened?.name ?? t.add}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Stack gap="sm">
          {gone && (
            <Alert color="red" role="alert" title={t.gone}>
              {t.goneText}
            </Alert>
          )}
          {save.isError && !conflict && <Failure error={save.error} />}
          {fixed && <Alert color="yellow">{t.readOnly}</Alert>}
          {opened !== null && !gone && <Why account={all.accounts.find((one) => one.uuid === opened.uuid) ?? opened} />}
          <Select label={t.type} data={[...all.types]} value={type} allowDeselect={false} disabled={opened !== null} onChange={(value) => setType(value ?? "")} />
          {fields !== null && <Form type={type} fields={fields} onSet={set} />}
          <Textarea
            label={t.more}
            description={t.moreHelp}
            value={written}
            error={fields === null ? t.badJson : undefined}
            onChange={(event) => write(event.currentTarget.value)}
            classNames={{ input: "app-mono" }}
            spellCheck={false}
            autosize
            minRows={3}
            maxRows={16}
          />
          {conflict && <Conflict base={base} changes={changes} read={read} onTake={take} />}
          <Button type="submit" loading={save.isPending} disabled={fields === null || fixed || conflict}>
            {opened === null ? t.add : gone ? t.addAgain : t.save}
          </Button>
        </Stack>
      </form>
      {opened !== null && !gone && (
        <AccountDeeds account={all.accounts.find((one) => one.uuid === opened.uuid) ?? opened} all={all} read={read} kept={text !== null} onClose={onClose} />
      )}
    </SidePanel>
  );
}

function Why({ account }: { account: Account }) {
  const t = useStrings(strings);
  if (account.why === null) return null;
  return (
    <Text size="sm" className="app-break">
      <b>{t.why}:</b> {account.why}
    </Text>
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

function jsonOf(fields: Fields): string {
  return JSON.stringify(fields, null, 2);
}

function fieldsIn(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;
  } catch {
    return null;
  }
}
