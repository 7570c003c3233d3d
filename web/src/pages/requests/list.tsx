import { Badge, UnstyledButton } from "@mantine/core";

import { useNames } from "#/api/names";
import type { RequestShown } from "#/api/types";
import { UNKNOWN, useFormat, type Format } from "#/format/format";
import { useStrings } from "#/language/strings";
import { DataTable, type Column } from "#/pieces/data-table";
import { useNow } from "#/pieces/time";
import { strings as shell } from "#/shell/strings";

import { keyOf } from "./latest";
import { strings } from "./strings";

interface Props {
  rows: readonly RequestShown[];
  selected: string | null;
  onChoose: (row: RequestShown) => void;
  onEnd: () => void;
}

export function RequestList({ rows, selected, onChoose, onEnd }: Props) {
  const t = useStrings(strings);
  const names = useStrings(shell);
  const format = useFormat();
  const named = useNames();
  const today = format.day(useNow() / 1000);
  const columns: Column<RequestShown>[] = [
    { key: "at", header: t.time, width: "104px", cell: (row) => <time title={format.dateTime(row.at)}>{timeOf(row.at, today, format)}</time> },
    { key: "status", header: t.status, width: "78px", cell: (row) => <Badge color={colorOf(row)}>{row.complete ? row.status : t.incompleteBadge}</Badge> },
    {
      key: "model",
      header: t.model,
      width: "minmax(72px, 1.6fr)",
      cell: (row) => (
        <UnstyledButton fz="sm" fw={600} w="100%" className="app-clip" aria-label={t.show(row.model ?? UNKNOWN, format.clock(row.at))} onClick={() => onChoose(row)}>
          {row.model ?? UNKNOWN}
        </UnstyledButton>
      ),
    },
    { key: "provider", header: t.provider, width: "minmax(100px, 1.1fr)", wideOnly: true, cell: (row) => row.provider ?? UNKNOWN },
    { key: "account", header: t.account, width: "minmax(90px, 1fr)", wideOnly: true, cell: (row) => (row.account === null ? UNKNOWN : (named.account.get(row.account) ?? row.account)) },
    { key: "attempts", header: t.attempts, width: "64px", align: "right", wideOnly: true, cell: (row) => format.number(row.attempts) },
    { key: "first", header: t.firstOutput, width: "118px", align: "right", wideOnly: true, cell: (row) => format.duration(row.first_output_ms) },
    { key: "duration", header: t.duration, width: "92px", align: "right", wideOnly: true, cell: (row) => format.duration(row.duration_ms) },
    { key: "tokens", header: t.tokens, width: "80px", align: "right", wideOnly: true, cell: (row) => format.compact(tokensOf(row)) },
    { key: "cost", header: t.cost, width: "96px", align: "right", wideOnly: true, cell: (row) => format.money(row.cost) },
  ];
  return (
    <DataTable
      label={names.pages.requests}
      columns={columns}
      rows={rows}
      rowKey={keyOf}
      rowHeight={38}
      selected={selectedKey(rows, selected)}
      onRowClick={onChoose}
      onEnd={onEnd}
    />
  );
}

/** Of an earlier day, the day is told. */
function timeOf(at: number, today: string, format: Format): string {
  const day = format.day(at);
  return day === today ? format.clock(at) : `${day}, ${format.hour(at)}`;
}

function selectedKey(rows: readonly RequestShown[], id: string | null): string | null {
  if (id === null) return null;
  const row = rows.find((one) => one.request_id === id);
  return row === undefined ? null : keyOf(row);
}

export function colorOf({ status, complete }: Pick<RequestShown, "status" | "complete">): string {
  if (status >= 500) return "red";
  return status >= 400 || !complete ? "yellow" : "green";
}

/** Null where nobody counted. */
function tokensOf(row: RequestShown): number | null {
  const counts = [row.input_uncached, row.input_cache_read, row.input_cache_write, row.input_tool, row.output_text, row.output_reasoning];
  const known = counts.filter((count) => count !== null);
  return known.length === 0 ? null : known.reduce((sum, count) => sum + count, 0);
}
