import { Button, CloseButton, Group, Paper, Select, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "#/api/client";
import { SERVER_KEY, useNames } from "#/api/names";
import { useStrings } from "#/language/strings";

import { SEARCH_LENGTH, type Address } from "./filters";
import { strings } from "./strings";

const STATUSES = ["success", "error", "4xx", "429", "5xx"] as const;
/** Filters that have no field of their own; links from other pages bring them. */
const OTHERS = ["account", "protocol", "error"] as const;
/** Milliseconds that somebody is given to go on writing. */
const PATIENCE = 300;

export function FilterBar({ address }: { address: Address }) {
  const t = useStrings(strings);
  const { filters, set } = address;
  const [text, setText] = useState(filters.search ?? "");
  const search = useDebouncedCallback((value: string) => set("search", value.trim()), PATIENCE);
  const clear = () => {
    setText("");
    address.clear();
  };
  return (
    <>
      <Group align="flex-end" gap="sm" mb="sm">
        <TextInput
          label={t.search}
          placeholder={t.searchPlaceholder}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={text}
          maxLength={SEARCH_LENGTH}
          onChange={(event) => {
            setText(event.currentTarget.value);
            search(event.currentTarget.value);
          }}
          style={{ flex: "2 1 200px" }}
        />
        <Choice
          label={t.status}
          value={filters.status}
          data={STATUSES.map((value) => ({ value, label: t.statuses[value] }))}
          onChange={(value) => set("status", value)}
        />
        <Used by="model" address={address} />
        <Used by="provider" address={address} />
        <Used by="key" address={address} />
      </Group>
      <Others address={address} onClear={clear} />
    </>
  );
}

interface ChoiceProps {
  label: string;
  value: string | undefined;
  data: { value: string; label: string }[];
  onChange: (value: string | null) => void;
}

function Choice({ label, value, data, onChange }: ChoiceProps) {
  const t = useStrings(strings);
  // What the address names is shown, whether or not it is known.
  const all = value === undefined || data.some((one) => one.value === value) ? data : [{ value, label: value }, ...data];
  return (
    <Select label={label} placeholder={t.any} data={all} value={value ?? null} onChange={onChange} clearable searchable limit={200} style={{ flex: "1 1 140px" }} />
  );
}

/** One of those that were used in the last 30 days. */
function Used({ by, address }: { by: "model" | "provider" | "key"; address: Address }) {
  const t = useStrings(strings);
  const names = useNames();
  const query = useQuery({
    queryKey: ["requests", "used", by],
    queryFn: ({ signal }) => call("GET /api/usage-statistics", { query: { by }, signal }),
    staleTime: 60_000,
  });
  const values = (query.data?.rows ?? []).flatMap((row) => (row.name === null || row.name === undefined ? [] : [String(row.name)]));
  const data = values.map((value) => ({ value, label: by === "key" ? (names.key.get(value) ?? (value === SERVER_KEY ? t.ownKey : value)) : value }));
  return <Choice label={t[by]} value={address.filters[by]} data={data} onChange={(value) => address.set(by, value)} />;
}

function Others({ address, onClear }: { address: Address; onClear: () => void }) {
  const t = useStrings(strings);
  const names = useNames();
  const chosen = OTHERS.flatMap((name) => {
    const value = address.filters[name];
    if (value === undefined) return [];
    return [{ name, text: name === "account" ? (names.account.get(value) ?? value) : value }];
  });
  if (Object.keys(address.filters).length === 0) return null;
  return (
    <Group gap="xs" mb="sm">
      {chosen.map(({ name, text }) => (
        <Paper key={name} px="xs" py={2}>
          <Group gap={4} wrap="nowrap">
            <Text size="sm" className="app-break">
              {t[name]}: {text}
            </Text>
            <CloseButton size="xs" aria-label={t.widen(text)} onClick={() => address.set(name, null)} />
          </Group>
        </Paper>
      ))}
      <Button size="compact-sm" variant="subtle" onClick={onClear}>
        {t.clear}
      </Button>
    </Group>
  );
}
