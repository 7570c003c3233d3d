/** Who stands in for a provider type, in order. */

import { ActionIcon, Group, Select, Stack, Text } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";

import { call } from "#/api/client";
import type { SettingsShown } from "#/api/types";
import { useStrings } from "#/language/strings";
import { Loaded } from "#/pieces/loaded";
import { reported } from "#/pieces/report";
import { Section } from "#/pieces/section";

import { strings } from "./strings";

type Order = Record<string, string[]>;

export function Chains({ types, used }: { types: readonly string[]; used: readonly string[] }) {
  const t = useStrings(strings);
  const query = useQuery({
    queryKey: ["config", "chains"],
    queryFn: async ({ signal }) => {
      const settings = (await call("GET /api/config", { signal })) as SettingsShown;
      return (settings.providerFallbackChain ?? {}) as Order;
    },
  });
  const save = async (order: Order) => {
    const kept = Object.fromEntries(Object.entries(order).filter(([, chain]) => chain.length > 0));
    if (await reported(call("POST /api/config", { body: { providerFallbackChain: kept } }), t.chainSaved)) await query.refetch();
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
              {used.map((type) => (
                <Chain
                  key={type}
                  type={type}
                  types={types}
                  chain={order[type] ?? []}
                  onChange={(chain) => void save({ ...order, [type]: chain })}
                />
              ))}
            </Stack>
          )}
        </Loaded>
      </Section>
    </div>
  );
}

interface Props {
  type: string;
  types: readonly string[];
  chain: readonly string[];
  onChange: (chain: string[]) => void;
}

function Chain({ type, types, chain, onChange }: Props) {
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
          <ActionIcon variant="default" size="sm" aria-label={t.up(one)} disabled={index === 0} onClick={() => swapped(index, index - 1)}>
            <IconArrowUp size={14} aria-hidden />
          </ActionIcon>
          <ActionIcon variant="default" size="sm" aria-label={t.down(one)} disabled={index === chain.length - 1} onClick={() => swapped(index, index + 1)}>
            <IconArrowDown size={14} aria-hidden />
          </ActionIcon>
          <ActionIcon variant="default" size="sm" aria-label={t.takeOut(one)} onClick={() => onChange(chain.filter((other) => other !== one))}>
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
        value={null}
        onChange={(value) => value !== null && onChange([...chain, value])}
      />
    </div>
  );
}
