/** One key: its limits in a form, and what can be done with it; or a new one. */

import { Alert, Button, Group, NumberInput, Select, Stack, Switch, TagsInput, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "#/api/client";
import type { KeyShown } from "#/api/types";
import { useBase } from "#/editing/base";
import { Conflict } from "#/editing/conflict";
import { differences, isConflict, type Fields, type Version } from "#/editing/merge";
import { useStrings } from "#/language/strings";
import { Failure } from "#/pieces/failure";
import { tell } from "#/pieces/report";
import { SidePanel } from "#/pieces/side-panel";

import { fieldsOf, formIn, formOf, type Form, type KeyFields } from "./fields";
import { KeyDeeds } from "./key-deeds";
import { readKeys, useKeyChange, versionIn, type Keys } from "./queries";
import { strings } from "./strings";

interface Props {
  /** The key as it was when the panel was opened; null for a new one. */
  opened: KeyShown | null;
  all: Keys;
  onClose: () => void;
  onSecret: (key: string) => void;
}

export function KeyDrawer({ opened, all, onClose, onSecret }: Props) {
  const t = useStrings(strings);
  const queries = useQueryClient();
  const change = useKeyChange();
  const there = opened === null ? null : versionIn(all, opened.id);
  const gone = opened !== null && there === null;
  const { base, begin, restart } = useBase(there ?? { fields: { ...fieldsOf(formOf(opened)) }, revision: null });
  const [written, setWritten] = useState<Form | null>(opened === null ? formOf(null) : null);
  const form = written ?? formIn(base.fields);
  const changes = differences(base.fields, { ...fieldsOf(form) });
  const save = useMutation({
    mutationFn: async () => {
      if (opened === null || gone) return (await call("POST /api/client-keys", { body: madeOf(form) })).key;
      await change(opened.id, base, changes as KeyFields);
      return null;
    },
    onSuccess: (key) => {
      void queries.invalidateQueries({ queryKey: ["client-keys"] });
      if (key !== null) {
        onSecret(key);
        return;
      }
      tell(t.saved);
      onClose();
    },
  });
  const conflict = isConflict(save.error) && !gone;
  const take = (version: Version, kept: Fields) => {
    restart(version);
    setWritten(formIn({ ...version.fields, ...kept }));
    save.reset();
  };
  return (
    <SidePanel opened onClose={onClose} title={opened?.name ?? t.create}>
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
          <FormFields
            form={form}
            onChange={(part) => {
              begin();
              setWritten({ ...form, ...part });
            }}
          />
          {conflict && opened !== null && (
            <Conflict base={base} changes={changes} read={async () => versionIn(await readKeys(), opened.id)} onTake={take} />
          )}
          <Button type="submit" loading={save.isPending} disabled={form.name.trim() === "" || conflict}>
            {opened === null || gone ? t.create : t.save}
          </Button>
        </Stack>
      </form>
      {opened !== null && !gone && <KeyDeeds entry={all.keys.find((one) => one.id === opened.id) ?? opened} all={all} onClose={onClose} onSecret={onSecret} />}
    </SidePanel>
  );
}

/** A new key says only what is limited. */
function madeOf(form: Form) {
  const fields = Object.entries(fieldsOf(form)).filter(([, value]) => value !== null);
  return { ...Object.fromEntries(fields), name: form.name.trim() };
}

function FormFields({ form, onChange }: { form: Form; onChange: (part: Partial<Form>) => void }) {
  const t = useStrings(strings);
  const models = useQuery({
    queryKey: ["provider-models"],
    queryFn: ({ signal }) => call("GET /api/provider-models", { signal }),
    staleTime: 60_000,
  });
  const names = [...new Set(Object.values(models.data ?? {}).flat())];
  const numberOf = (value: string | number) => (typeof value === "number" ? value : "");
  return (
    <>
      <TextInput
        label={t.name}
        value={form.name}
        maxLength={100}
        required
        withAsterisk={false}
        data-autofocus
        onChange={(event) => onChange({ name: event.currentTarget.value })}
      />
      <Switch label={t.enabled} checked={form.enabled} onChange={(event) => onChange({ enabled: event.currentTarget.checked })} />
      <TextInput
        type="datetime-local"
        label={t.expires}
        value={form.expires}
        onChange={(event) => onChange({ expires: event.currentTarget.value })}
      />
      <Group grow>
        <NumberInput label={t.requestsLimit} value={form.requests} min={0} max={16e6} allowDecimal={false} onChange={(value) => onChange({ requests: numberOf(value) })} />
        <NumberInput label={t.tokensLimit} value={form.tokens} min={0} max={16e6} allowDecimal={false} onChange={(value) => onChange({ tokens: numberOf(value) })} />
      </Group>
      <Group grow>
        <NumberInput label={t.budgetAmount} value={form.amount} min={0} max={1e6} onChange={(value) => onChange({ amount: numberOf(value) })} />
        <Select
          label={t.budgetPeriod}
          value={form.period}
          allowDeselect={false}
          data={(["day", "month"] as const).map((value) => ({ value, label: t.periods[value] }))}
          onChange={(value) => onChange({ period: value === "day" ? "day" : "month" })}
        />
      </Group>
      <TagsInput label={t.models} description={t.modelsHelp} data={names} limit={100} value={form.models} onChange={(value) => onChange({ models: value })} />
      <TagsInput
        label={t.providers}
        description={t.modelsHelp}
        data={Object.keys(models.data ?? {})}
        value={form.providers}
        onChange={(value) => onChange({ providers: value })}
      />
    </>
  );
}
