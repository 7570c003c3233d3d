/** The sums of the period in a table, told apart by one thing; a name narrows the whole page to it. */

import { Anchor, Button, Group, Select, UnstyledButton } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { Link } from "wouter";

import { addressOf } from "#/api/client";
import type { UsageSum } from "#/api/types";
import { useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { DataTable, type Column } from "#/pieces/data-table";
import { Loaded } from "#/pieces/loaded";
import { Section } from "#/pieces/section";
import { Time } from "#/pieces/time";

import { isFilter, useNaming } from "./names";
import { DIMENSIONS, queryOf, useSums, type Dimension, type Filter, type Filters, type Period } from "./queries";
import { strings } from "./strings";

interface Props {
  by: Dimension;
  period: Period;
  filters: Filters;
  onBy: (by: Dimension) => void;
  onNarrow: (filter: Filter, value: string) => void;
}

export function Sums({ by, period, filters, onBy, onNarrow }: Props) {
  const t = useStrings(strings);
  const query = useSums(by, period, filters);
  const file = addressOf("GET /api/usage-statistics", {}, { ...queryOf(by, period, filters), format: "csv" });
  return (
    <Section
      title={t.sums}
      actions={
        <Group gap="xs">
          <Select
            size="xs"
            w={150}
            aria-label={t.by}
            value={by}
            allowDeselect={false}
            data={DIMENSIONS.map((value) => ({ value, label: t.dimensions[value] }))}
            onChange={(value) => onBy(DIMENSIONS.find((one) => one === value) ?? by)}
          />
          <Button
            component="a"
            size="xs"
            variant="default"
            href={file}
            download={`usage-by-${by}.csv`}
            leftSection={<IconDownload size={14} aria-hidden />}
          >
            {t.export}
          </Button>
        </Group>
      }
    >
      <Loaded query={query}>{(data) => <SumTable by={data.by} rows={data.rows} onNarrow={onNarrow} />}</Loaded>
    </Section>
  );
}

interface TableProps {
  by: Dimension;
  rows: readonly UsageSum[];
  onNarrow: Props["onNarrow"];
}

function SumTable({ by, rows, onNarrow }: TableProps) {
  const t = useStrings(strings);
  const format = useFormat();
  const nameOf = useNaming();
  const number = (key: string, header: string, width: string, value: (row: UsageSum) => number | null | undefined, write: (value: number | null | undefined) => string, wideOnly = true): Column<UsageSum> => ({
    key,
    header,
    width,
    align: "right",
    wideOnly,
    order: (row) => value(row) ?? null,
    cell: (row) => write(value(row)),
  });
  const columns: Column<UsageSum>[] = [
    {
      key: "name",
      header: t.dimensions[by],
      width: "minmax(90px, 2fr)",
      order: (row) => (by === "day" || by === "hour" ? Number(row.name) : nameOf(by, row.name)),
      cell: (row) => {
        const name = nameOf(by, row.name);
        if (!isFilter(by) || row.name === null || row.name === undefined) return name;
        return (
          <UnstyledButton fz="sm" fw={600} w="100%" className="app-clip" title={name} aria-label={t.narrow(name)} onClick={() => onNarrow(by, String(row.name))}>
            {name}
          </UnstyledButton>
        );
      },
    },
    number("requests", t.requests, "98px", (row) => row.requests, format.number, false),
    number("success", t.success, "86px", (row) => row.successRate, format.percent),
    number("input", t.inputTokens, "70px", (row) => row.inputTokens, format.compact),
    number("output", t.outputTokens, "78px", (row) => row.outputTokens, format.compact),
    number("latency", t.latency, "86px", (row) => row.latencyMs?.p50, format.duration),
    number("first", t.firstOutput, "116px", (row) => row.firstOutputMs?.p50, format.duration),
    number("cost", t.cost, "92px", (row) => row.cost, format.money, false),
    { key: "last", header: t.lastUsed, width: "108px", align: "right", wideOnly: true, order: (row) => row.lastUsed, cell: (row) => <Time at={row.lastUsed} /> },
  ];
  if (isFilter(by) || by === "error" || by === "status") {
    columns.push({
      key: "requestsOf",
      header: "",
      width: "84px",
      wideOnly: true,
      cell: (row) =>
        row.name === null || row.name === undefined ? null : (
          <Anchor component={Link} size="xs" href={`/requests?${new URLSearchParams({ [by]: String(row.name) })}`} aria-label={`${t.toRequests}: ${nameOf(by, row.name)}`}>
            {t.toRequests}
          </Anchor>
        ),
    });
  }
  return <DataTable label={t.sums} columns={columns} rows={rows} rowKey={(row) => `${by}:${row.name}`} height={480} />;
}
