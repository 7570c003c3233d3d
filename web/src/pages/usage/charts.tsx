import { SimpleGrid } from "@mantine/core";

import type { UsageStatistics, UsageSum } from "#/api/types";
import { useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { Section } from "#/pieces/section";
import type { Series } from "#/pieces/chart/series";
import { TimeChart } from "#/pieces/chart/time-chart";
import { SERIES } from "#/theme/theme";

import { strings } from "./strings";

const [FIRST, SECOND, THIRD] = SERIES;
const FAILED = "var(--app-failed)";

interface Point {
  at: number;
  sum: UsageSum | undefined;
}

export function Charts({ data, step }: { data: UsageStatistics; step: number }) {
  const t = useStrings(strings);
  const format = useFormat();
  const requests: Series<Point>[] = [
    { key: "good", name: t.succeeded, color: FIRST, kind: "bar", stack: "all", value: ({ sum }) => (sum?.requests ?? 0) - (sum?.errors ?? 0) },
    { key: "bad", name: t.failed, color: FAILED, kind: "bar", stack: "all", value: ({ sum }) => sum?.errors ?? 0 },
  ];
  const tokens: Series<Point>[] = [
    { key: "in", name: t.input, color: FIRST, kind: "bar", stack: "all", value: ({ sum }) => sum?.inputTokens ?? 0 },
    { key: "out", name: t.output, color: SECOND, kind: "bar", stack: "all", value: ({ sum }) => sum?.outputTokens ?? 0 },
  ];
  const cost: Series<Point>[] = [{ key: "cost", name: t.cost, color: THIRD, kind: "bar", value: ({ sum }) => sum?.cost ?? 0 }];
  const charts = [
    { title: t.overTime, series: requests, write: format.compact },
    { title: t.tokensOverTime, series: tokens, write: format.compact },
    { title: t.costOverTime, series: cost, write: format.money },
  ];
  const points = pointsOf(data, step);
  return (
    <SimpleGrid cols={{ base: 1, lg: 3 }} spacing="md" verticalSpacing={0}>
      {charts.map(({ title, series, write }) => (
        <Section key={title} title={title}>
          <TimeChart label={title} points={points} at={(point) => point.at} step={step} series={series} format={write} empty={t.nothing} height={180} />
        </Section>
      ))}
    </SimpleGrid>
  );
}

/** A point for every step of the period, also where nothing was used. */
function pointsOf(data: UsageStatistics, step: number): Point[] {
  const sums = new Map(data.rows.map((row) => [Number(row.name), row]));
  const begin = Math.floor(data.since / step);
  const count = Math.max(0, Math.ceil(data.until / step) - begin);
  return Array.from({ length: count }, (_, index) => {
    const at = (begin + index) * step;
    return { at, sum: sums.get(at) };
  });
}
