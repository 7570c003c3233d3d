/** Who stands in for a provider type, in order. */

import { ActionIcon, Alert, Button, Group, Select, Stack, Text } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconX } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { request } from "#/api/client";
import { useEventListener } from "#/api/events";
import type { SettingsShown } from "#/api/types";
import { isConflict, sent, type Fields, type Version } from "#/editing/merge";
import { useStrings } from "#/language/strings";
import { Loaded } from "#/pieces/loaded";
import { tell, tellProblem } from "#/pieces/report";
import { Section } from "#/pieces/section";

import { strings } from "./strings";

const CHANGES = ["config_update"];
const KEY = ["config", "chains"];
const NONE: readonly string[] = [];

/** Stand-ins by provider type. */
async function readOrder(signal?: AbortSignal): Promise<Version> {
  const answer = await request("GET /api/config", signal === undefined ? {} : { signal });
  const settings = (await answer.json()) as SettingsShown;
  return { fields: (settings.providerFallbackChain ?? {}) as Fields, revision: answer.headers.get("etag") };
}

/** An order that was not saved, since somebody else has changed the same one. */
interface Refused {
  type: string;
  chain: readonly string[];
}

export function Chains({ types, used }: { types: readonly string[]; used: readonly string[] }) {
  const t = useStrings(strings);
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const query = useQuery({ queryKey: KEY, queryFn: ({ signal }) => readOrder(signal) });
  const [refused, setRefused] = useState<Refused | null>(null);
  useEventListener(CHANGES, () => void query.refetch());
  /** Change one type's order; those of others may have been changed by somebody else. */
  const change = async (seen: Version, type: string, chain: readonly string[]) => {
    let { revision } = seen;
    let order = seen.fields;
    const one = (fields: Fields): Version => ({ fields: { [type]: chainIn(fields, type) }, revision });
    const read = async () => {
      const now = await readOrder();
      revision = now.revision;
      order = now.fields;
      return one(order);
    };
    const send = async (headers: Record<string, string>) => {
      const kept = Object.entries({ ...order, [type]: chain }).filter(([, value]) => Array.isArray(value) && value.length > 0);
      const fields = Object.fromEntries(kept);
      const answer = await request("POST /api/config", { body: { providerFallbackChain: fields }, headers });
      return { fields, revision: answer.headers.get("etag") };
    };
    setBusy(true);
    try {
      // What comes next begins with this, whenever the page reads it again.
      queries.setQueryData(KEY, await sent(one(seen.fields), read, send));
      setRefused(null);
      tell(t.chainSaved);
    } catch (error) {
      // Theirs are read before anybody is asked which to use.
      await query.refetch();
      if (isConflict(error)) setRefused({ type, chain });
      else tellProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div style={{ marginTop: "1rem" }}>
      <Section title={t.chains}>
        <Text size="sm" c="dimmed" mb="sm">
          {t.chainsText}
        </Text>
        <Loaded query={query} height={60}>
          {(order) => (
            <Stack gap="md">
              {refused !== null && (
                <Alert color="yellow" role="alert" title={t.chainChanged(refused.type)} withCloseButton closeButtonLabel={t.keepTheirs} onClose={() => setRefused(null)}>
                  <Stack gap="xs" align="flex-start">
                    <Text size="sm">{t.chainYours(refused.chain.join(" → ") || t.noStandIns)}</Text>
                    <Group gap="xs">
                      <Button size="xs" onClick={() => void change(order, refused.type, refused.chain)}>
                        {t.useMine}
                      </Button>
                      <Button size="xs" variant="default" onClick={() => setRefused(null)}>
                        {t.keepTheirs}
                      </Button>
                    </Group>
                  </Stack>
                </Alert>
              )}
              {used.map((type) => (
                <Chain key={type} type={type} types={types} chain={chainIn(order.fields, type)} busy={busy} onChange={(chain) => void change(order, type, chain)} />
              ))}
            </Stack>
          )}
        </Loaded>
      </Section>
    </div>
  );
}

function chainIn(order: Fields, type: string): readonly string[] {
  const chain = order[type];
  return Array.isArray(chain) ? chain.map(String) : NONE;
}

interface Props {
  type: string;
  types: readonly string[];
  chain: readonly string[];
  busy: boolean;
  onChange: (chain: string[]) => void;
}

function Chain({ type, types, chain, busy, onChange }: Props) {
  const t = useStrings(strings);
  const swapped = (index: number, other: number) => {
    const after = [...chain];
    const [first, second] = [after[index], after[other]];
    if (first === undefined || second === undefined) return;
    after[index] = second;
    after[other] = first;
    onChange(after);
  };
  const free = types.filter((one) => one !== type && !chain.includes(one));
  return (
    <div role="group" aria-label={t.chainOf(type)}>
      <Text size="sm" fw={600}>
        {type}
      </Text>
      {chain.map((one, index) => (
        <Group key={one} gap={4} my={4}>
          <Text size="sm" w={200}>
            {index + 1}. {one}
          </Text>
          <ActionIcon variant="default" size="sm" aria-label={t.up(one)} disabled={busy || index === 0} onClick={() => swapped(index, index - 1)}>
            <IconArrowUp size={14} aria-hidden />
          </ActionIcon>
          <ActionIcon variant="default" size="sm" aria-label={t.down(one)} disabled={busy || index === chain.length - 1} onClick={() => swapped(index, index + 1)}>
            <IconArrowDown size={14} aria-hidden />
          </ActionIcon>
          <ActionIcon variant="default" size="sm" aria-label={t.takeOut(one)} disabled={busy} onClick={() => onChange(chain.filter((other) => other !== one))}>
            <IconX size={14} aria-hidden />
          </ActionIcon>
        </Group>
      ))}
      <Select
        size="xs"
        w={240}
        mt={4}
        aria-label={`${t.addToChain}: ${type}`}
        placeholder={t.addToChain}
        data={free}
        disabled={busy}
        value={null}
        onChange={(value) => value !== null && onChange([...chain, value])}
      />
    </div>
  );
}
