import { UnstyledButton } from "@mantine/core";
import { useState } from "react";

import { useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { CodeBlock } from "#/pieces/code";
import { DataTable, type Column } from "#/pieces/data-table";
import { Empty } from "#/pieces/empty";

import { parsed } from "./conversation";
import type { TimedEvent } from "./run";
import { strings } from "./strings";

export function EventList({ events }: { events: readonly TimedEvent[] }) {
  const t = useStrings(strings);
  const format = useFormat();
  const [chosen, setChosen] = useState<TimedEvent | null>(null);
  const columns: Column<TimedEvent>[] = [
    { key: "number", header: t.number, width: "52px", align: "right", cell: (event) => event.number },
    { key: "at", header: t.at, width: "88px", align: "right", cell: (event) => format.duration(event.ms) },
    { key: "gap", header: t.gap, width: "88px", align: "right", wideOnly: true, cell: (event) => format.duration(event.gap) },
    {
      key: "kind",
      header: t.kind,
      width: "minmax(110px, 220px)",
      cell: (event) => (
        <UnstyledButton fz="sm" w="100%" className="app-clip" onClick={() => setChosen(event)}>
          {nameOf(event)}
        </UnstyledButton>
      ),
    },
    { key: "data", header: t.data, width: "minmax(120px, 1fr)", cell: (event) => <span className="app-mono">{event.data}</span> },
  ];
  if (events.length === 0) return <Empty title={t.events} text={t.eventsEmpty} heading={3} />;
  return (
    <>
      <DataTable
        label={t.events}
        columns={columns}
        rows={events}
        rowKey={(event) => String(event.number)}
        height={320}
        rowHeight={34}
        selected={chosen === null ? null : String(chosen.number)}
        onRowClick={setChosen}
      />
      {chosen !== null && (
        <div style={{ marginTop: "0.75rem" }}>
          <CodeBlock label={`${chosen.number} · ${nameOf(chosen)}`} value={parsed(chosen.data)} height={320} />
        </div>
      )}
    </>
  );
}

/** Two protocols name their events; the others' are all messages. */
function nameOf(event: TimedEvent): string {
  return event.name === "message" ? "data" : event.name;
}
