/** The event stream: live, filtered, and each event with everything that it says. */

import { Badge, Button, Group, MultiSelect, Text, TextInput, UnstyledButton } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { useDeferredValue, useMemo, useState } from "react";

import { useEvents, type Connection, type LiveEvent } from "#/api/events";
import { useFormat } from "#/format/format";
import { useStrings, type Strings } from "#/language/strings";
import { useAddressValues } from "#/pieces/address-values";
import { CodeBlock } from "#/pieces/code";
import { DataTable, type Column } from "#/pieces/data-table";
import { Empty } from "#/pieces/empty";
import { PageHeader } from "#/pieces/page-header";
import { SidePanel } from "#/pieces/side-panel";
import { strings as shell } from "#/shell/strings";

import { strings } from "./strings";
import { summaryOf } from "./summary";

const COLORS: Record<Connection, string> = { connecting: "gray", open: "green", waiting: "yellow" };
const KINDS: Record<string, string> = { oauth_error: "red", provider_update: "blue", service_restart: "yellow" };

/** What stands where no event does. Without a connection nobody knows whether there are any. */
function emptiness(t: Strings<typeof strings.en>, connection: Connection, count: number) {
  if (count > 0) return <Empty title={t.noMatch} />;
  if (connection !== "open") return <Empty title={t.connection[connection]} text={t.unknownText} />;
  return <Empty title={t.empty} text={t.emptyText} />;
}

export default function EventsPage() {
  const t = useStrings(strings);
  const names = useStrings(shell);
  const format = useFormat();
  const { events, connection } = useEvents();
  const [search, change] = useAddressValues();
  const [frozen, setFrozen] = useState<readonly LiveEvent[] | null>(null);
  const [chosen, setChosen] = useState<LiveEvent | null>(null);
  const text = search.get("q") ?? "";
  const wanted = useDeferredValue(text.toLowerCase());
  const kinds = search.get("kinds")?.split(",").filter(Boolean) ?? [];
  const kindList = kinds.join(",");
  const source = frozen ?? events;
  const rows = useMemo(() => {
    const allowed = new Set(kindList.split(",").filter(Boolean));
    return source
      .filter((event) => allowed.size === 0 || allowed.has(event.name))
      .filter((event) => wanted === "" || `${event.name} ${JSON.stringify(event.data)}`.toLowerCase().includes(wanted))
      .toReversed();
  }, [source, wanted, kindList]);
  const known = [...new Set([...Object.keys(t.names), ...events.map((event) => event.name)])];
  const columns: Column<LiveEvent>[] = [
    { key: "at", header: t.time, width: "88px", cell: (event) => format.clock(event.at / 1000) },
    {
      key: "name",
      header: t.name,
      width: "140px",
      cell: (event) => <Badge color={KINDS[event.name] ?? "gray"}>{t.names[event.name] ?? event.name}</Badge>,
    },
    {
      key: "what",
      header: t.what,
      width: "minmax(100px, 1fr)",
      cell: (event) => (
        <UnstyledButton
          className="app-clip"
          w="100%"
          fz="sm"
          onClick={() => setChosen(event)}
          aria-label={`${t.showDetails(t.names[event.name] ?? event.name)}: ${summaryOf(event)}`}
        >
          {summaryOf(event)}
        </UnstyledButton>
      ),
    },
  ];
  return (
    <>
      <PageHeader title={names.pages.events} text={t.text}>
        <Badge color={COLORS[connection]} role="status">
          {t.connection[connection]}
        </Badge>
        <Button
          size="xs"
          variant="default"
          leftSection={frozen === null ? <IconPlayerPause size={14} aria-hidden /> : <IconPlayerPlay size={14} aria-hidden />}
          onClick={() => setFrozen(frozen === null ? events : null)}
        >
          {frozen === null ? t.pause : t.resume}
        </Button>
      </PageHeader>
      <Group align="flex-end" gap="sm" mb="sm">
        <TextInput
          label={t.filter}
          placeholder={t.filterPlaceholder}
          value={text}
          onChange={(event) => change("q", event.currentTarget.value)}
          style={{ flex: "1 1 200px" }}
        />
        <MultiSelect
          label={t.kind}
          placeholder={kinds.length === 0 ? t.allKinds : undefined}
          data={known.map((value) => ({ value, label: t.names[value] ?? value }))}
          value={kinds}
          onChange={(values) => change("kinds", values.join(","))}
          clearable
          style={{ flex: "1 1 200px" }}
        />
      </Group>
      {frozen !== null && (
        <Text size="sm" c="dimmed" mb="xs" role="status">
          {t.pausedNew(format.number(countAfter(events, frozen)))}
        </Text>
      )}
      <DataTable
        label={names.pages.events}
        columns={columns}
        rows={rows}
        rowKey={(event) => event.id}
        onRowClick={setChosen}
        selected={chosen?.id ?? null}
        empty={emptiness(t, connection, source.length)}
      />
      <SidePanel
        opened={chosen !== null}
        onClose={() => setChosen(null)}
        title={chosen === null ? "" : (t.names[chosen.name] ?? chosen.name)}
      >
        {chosen !== null && (
          <>
            <Text size="sm" c="dimmed" mb="sm">
              {format.dateTime(chosen.at / 1000)} · {format.utc(chosen.at / 1000)}
            </Text>
            <CodeBlock label={`${chosen.name} · ${chosen.id}`} value={chosen.data} height={640} />
          </>
        )}
      </SidePanel>
    </>
  );
}

function countAfter(events: readonly LiveEvent[], frozen: readonly LiveEvent[]): number {
  const last = frozen.at(-1)?.id;
  return last === undefined ? events.length : events.filter((event) => BigInt(event.id) > BigInt(last)).length;
}
