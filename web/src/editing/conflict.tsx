/** What somebody else has changed since editing began: shown field by field, and taken over without losing the own text. */

import { Alert, Button, Code, Group, Paper, SegmentedControl, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState } from "react";

import { useStrings } from "#/language/strings";
import { Loaded } from "#/pieces/loaded";

import { meanwhile, type Fields, type Meanwhile, type Version } from "./merge";
import { strings } from "./strings";

interface Props {
  /** What editing began with, and what is to become of it. */
  base: Version;
  changes: Fields;
  /** Reads what is there now; null where it is gone. */
  read: () => Promise<Version | null>;
  /** Go on from this version with these changes. */
  onTake: (version: Version, changes: Fields) => void;
}

export function Conflict({ base, changes, read, onTake }: Props) {
  const t = useStrings(strings);
  const id = useId();
  const query = useQuery({ queryKey: ["meanwhile", id, base.revision], queryFn: read, staleTime: 0, gcTime: 0, retry: false });
  return (
    <Loaded query={query} height={120}>
      {(now) => (now === null ? <Alert color="red" role="alert" title={t.gone} /> : <Choices key={now.revision} {...{ base, changes, now, onTake }} />)}
    </Loaded>
  );
}

function Choices({ base, changes, now, onTake }: Omit<Props, "read"> & { now: Version }) {
  const t = useStrings(strings);
  const [theirs, setTheirs] = useState<ReadonlySet<string>>(new Set());
  const rows = meanwhile(base.fields, now.fields, changes);
  const kept = Object.fromEntries(Object.entries(changes).filter(([name]) => !theirs.has(name)));
  const choose = (name: string, taken: boolean) => {
    const after = new Set(theirs);
    if (taken) after.add(name);
    else after.delete(name);
    setTheirs(after);
  };
  // Whoever saved may look at another part of a long form.
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    void place.current?.scrollIntoView({ block: "nearest" });
  }, []);
  return (
    <Alert ref={place} color="yellow" role="alert" title={t.title}>
      <Stack gap="xs">
        <Text size="sm">{rows.length === 0 ? t.nothing : t.text}</Text>
        {rows.map((row) => (
          <Row key={row.name} row={row} taken={theirs.has(row.name)} onChoose={(taken) => choose(row.name, taken)} />
        ))}
        <Group justify="flex-end">
          <Button onClick={() => onTake(now, kept)}>{t.take}</Button>
        </Group>
      </Stack>
    </Alert>
  );
}

function Row({ row, taken, onChoose }: { row: Meanwhile; taken: boolean; onChoose: (taken: boolean) => void }) {
  const t = useStrings(strings);
  return (
    <Paper p="xs" role="group" aria-label={row.name}>
      <Code className="app-break">{row.name}</Code>
      <Told label={t.before} value={row.before} />
      <Told label={t.now} value={row.now} />
      {row.mine !== undefined && (
        <>
          <Told label={t.yours} value={row.mine} />
          <SegmentedControl
            mt={4}
            size="xs"
            aria-label={t.whose(row.name)}
            value={taken ? "theirs" : "mine"}
            onChange={(value) => onChoose(value === "theirs")}
            data={[
              { value: "mine", label: t.keepMine },
              { value: "theirs", label: t.takeTheirs },
            ]}
          />
        </>
      )}
    </Paper>
  );
}

function Told({ label, value }: { label: string; value: unknown }) {
  const t = useStrings(strings);
  const text = value === null || value === undefined ? t.none : typeof value === "string" ? value : JSON.stringify(value);
  return (
    <Text size="sm" className="app-break">
      <b>{label}:</b> {text}
    </Text>
  );
}
