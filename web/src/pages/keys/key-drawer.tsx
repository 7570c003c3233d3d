/** One key: its limits in a form, and what can be done with it; or a new one. */

import { Alert, Anchor, Button, Group, NumberInput, Select, Stack, Switch, TagsInput, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";

import { call } from "#/api/client";
import { Problem } from "#/api/problem";
import type { KeyShown } from "#/api/types";
import { useStrings } from "#/language/strings";
import { useConfirmation } from "#/pieces/confirm";
import { Failure } from "#/pieces/failure";
import { reported, tell } from "#/pieces/report";
import { SidePanel } from "#/pieces/side-panel";
import { tellWithUndo } from "#/pieces/undo";

import { fieldsOf, formOf, type Form } from "./fields";
import { useKeyChange } from "./queries";
import { strings } from "./strings";

interface Props {
  /** Null for a new key. */
  entry: KeyShown | null;
  revision: string | null;
  onClose: () => void;
  onSecret: (key: string) => void;
}

export function KeyDrawer({ entry, revision, onClose, onSecret }: Props) {
  const t = useStrings(strings);
  const queries = useQueryClient();
  const change = useKeyChange(revision);
  const [form, setForm] = useState(() => formOf(entry));
  const save = useMutation({
    mutationFn: async () => {
      if (entry === null) {
        const made = await call("POST /api/client-keys", { body: madeOf(form) });
        return made.key;
      }
      await change(entry.id, fieldsOf(form));
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
  const conflict = save.error instanceof Problem && save.error.status === 412;
  return (
    <SidePanel opened onClose={onClose} title={entry?.name ?? t.create}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Stack gap="sm">
          {save.isError && (conflict ? <Alert color="yellow">{t.conflict}</Alert> : <Failure error={save.error} />)}
          <Fields form={form} onChange={(part) => setForm({ ...form, ...part })} />
          <Button type="submit" loading={save.isPending} disabled={form.name.trim() === ""}>
            {entry === null ? t.create : t.save}
          </Button>
        </Stack>
      </form>
      {entry !== null && <Deeds entry={entry} revision={revision} onClose={onClose} onSecret={onSecret} />}
    </SidePanel>
  );
}

/** A new key says only what is limited. */
function madeOf(form: Form) {
  const fields = Object.entries(fieldsOf(form)).filter(([, value]) => value !== null);
  return { ...Object.fromEntries(fields), name: form.name.trim() };
}

function Fields({ form, onChange }: { form: Form; onChange: (part: Partial<Form>) => void }) {
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

function Deeds({ entry, revision, onClose, onSecret }: Props & { entry: KeyShown }) {
  const t = useStrings(strings);
  const queries = useQueryClient();
  const change = useKeyChange(revision);
  const [confirmation, ask] = useConfirmation();
  const renew = () => queries.invalidateQueries({ queryKey: ["client-keys"] });
  const turn = async (off: boolean) => {
    if (!(await reported(change(entry.id, { disabled: off })))) return;
    onClose();
    if (!off) return;
    tellWithUndo(t.turnedOff(entry.name), t.undo, () => {
      const back = call("PUT /api/client-keys/{key_id}", { path: { key_id: entry.id }, body: { disabled: false } });
      void reported(back.then(renew));
    });
  };
  const path = { key_id: entry.id };
  return (
    <Stack gap="xs" mt="xl">
      {confirmation}
      <Group gap="xs">
        <Button size="xs" variant="default" onClick={() => void turn(!entry.disabled)}>
          {entry.disabled ? t.turnOn : t.turnOff}
        </Button>
        <Button
          size="xs"
          variant="default"
          onClick={() =>
            ask({
              title: t.replace,
              text: t.replaceText,
              action: t.replace,
              run: async () => {
                const made = await call("POST /api/client-keys/{key_id}/replace", { path });
                await renew();
                onSecret(made.key);
              },
            })
          }
        >
          {t.replace}
        </Button>
        <Button
          size="xs"
          color="red"
          variant="light"
          onClick={() =>
            ask({
              title: t.removeTitle(entry.name),
              text: t.removeText,
              action: t.remove,
              danger: true,
              run: async () => {
                await call("DELETE /api/client-keys/{key_id}", { path });
                await renew();
                tell(t.removed);
                onClose();
              },
            })
          }
        >
          {t.remove}
        </Button>
      </Group>
      <Anchor component={Link} href={`/requests?key=${encodeURIComponent(entry.id)}`} size="sm">
        {t.requests}
      </Anchor>
    </Stack>
  );
}
