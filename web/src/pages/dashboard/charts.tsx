import { SimpleGrid } from "@mantine/core";

import type { Dashboard, Point } from "#/api/types";
import { useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { Section } from "#/pieces/section";
import type { Series } from "#/pieces/chart/series";
import { TimeChart } from "#/pieces/chart/time-chart";
import { SERIES } from "#/theme/theme";

import { strings } from "./strings";

const [FIRST, SECOND, THIRD] = SERIES;
const FAILED = "var(--app-failed)";

export function Charts({ data }: { data: Dashboard }) {
  const t = useStrings(strings);
  const format = useFormat();
  const requests: Series<Point>[] = [
    { key: "good", name: t.succeeded, color: FIRST, kind: "bar", stack: "all", value: (point) => point.requests - point.errors },
    { key: "bad", name: t.failed, color: FAILED, kind: "bar", stack: "all", value: (point) => point.errors },
  ];
  const durations: Series<Point>[] = [
    { key: "median", name: t.durationMedian, color: FIRST, kind: "line", value: (point) => point.latencyMs?.p50 },
    { key: "most", name: t.duration95, color: SECOND, kind: "line", value: (point) => point.latencyMs?.p95 },
    { key: "first", name: t.firstMedian, color: THIRD, kind: "line", value: (point) => point.firstOutputMs?.p50 },
  ];
  const tokens: Series<Point>[] = [
    { key: "in", name: t.input, color: FIRST, stack: "all", value: (point) => point.inputTokens },
    { key: "out", name: t.output, color: SECOND, stack: "all", value: (point) => point.outputTokens },
  ];
  const cost: Series<Point>[] = [{ key: "cost", name: t.cost, color: THIRD, kind: "bar", value: (point) => point.cost }];
  const charts = [
    { title: t.overTime, series: requests, write: format.compact },
    { title: t.durations, series: durations, write: format.duration },
    { title: t.tokensOverTime, series: tokens, write: format.compact },
    { title: t.costOverTime, series: cost, write: format.money },
  ];
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md" verticalSpacing={0}>
      {charts.map(({ title, series, write }) => (
        <Section key={title} title={title}>
          <TimeChart
            label={title}
            points={data.series}
            at={(point) => point.at}
            step={data.step}
            series={series}
            format={write}
            empty={t.nothing}
          />
        </Section>
      ))}
    </SimpleGrid>
  );
}
