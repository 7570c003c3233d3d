/** In which protocol, of whom, and with which key is asked. */

import { Autocomplete, Button, Select, Stack } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";

import { call } from "#/api/client";
import { setClientKey, useClientKey } from "#/client/key";
import { useStrings } from "#/language/strings";
import { Failure } from "#/pieces/failure";
import { SecretInput } from "#/pieces/secret-input";

import type { ProtocolName } from "./protocols/protocol";
import { PROTOCOLS } from "./protocols/table";
import { strings } from "./strings";

/** How long a key lives that is made here. */
const HOURS = 12;

export interface Target {
  protocol: ProtocolName;
  provider: string;
  model: string;
}

interface Props {
  target: Target;
  onChange: (change: Partial<Target>) => void;
}

export function TargetFields({ target, onChange }: Props) {
  const t = useStrings(strings);
  const models = useQuery({
    queryKey: ["provider-models"],
    queryFn: ({ signal }) => call("GET /api/provider-models", { signal }),
    staleTime: 60_000,
  });
  const types = Object.keys(models.data ?? {});
  const names = target.provider === "" ? Object.values(models.data ?? {}).flat() : (models.data?.[target.provider] ?? []);
  return (
    <Stack gap="sm">
      <Select
        label={t.protocol}
        data={PROTOCOLS.map(({ name, label }) => ({ value: name, label }))}
        value={target.protocol}
        allowDeselect={false}
        onChange={(value) => onChange({ protocol: (value ?? "openai-chat") as ProtocolName })}
      />
      <Select
        label={t.provider}
        data={[{ value: "", label: t.byRouting }, ...[...new Set([...types, "demo"])].map((value) => ({ value, label: value }))]}
        value={target.provider}
        allowDeselect={false}
        onChange={(value) => onChange({ provider: value ?? "" })}
      />
      {models.isError && <Failure error={models.error} onRetry={models.refetch} />}
      <Autocomplete
        label={t.model}
        description={t.modelHelp}
        value={target.model}
        onChange={(model) => onChange({ model })}
        data={[...new Set(["auto", ...names])]}
        limit={100}
      />
      <KeyField />
    </Stack>
  );
}

function KeyField() {
  const t = useStrings(strings);
  const key = useClientKey();
  const make = useMutation({
    mutationFn: () => {
      const expires = new Date(Date.now() + HOURS * 3_600_000).toISOString();
      return call("POST /api/client-keys", { body: { name: t.keyName, expires } });
    },
    onSuccess: (made) => setClientKey(made.key),
  });
  return (
    <div>
      <SecretInput
        label={t.key}
        description={t.keyHelp}
        value={key}
        autoComplete="off"
        onChange={(event) => setClientKey(event.currentTarget.value.trim())}
      />
      {key === "" && (
        <Button mt="xs" size="xs" variant="light" loading={make.isPending} onClick={() => make.mutate()}>
          {t.makeKey}
        </Button>
      )}
      {make.isError && <Failure error={make.error} />}
    </div>
  );
}
