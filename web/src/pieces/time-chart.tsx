/** Values over time: areas on top of each other, lines, or bars. It brings the chart library, so that only pages import it. */

import { Text, VisuallyHidden } from "@mantine/core";
import { useId, type ReactNode } from "react";
import {
  Area,
  Bar,
  CartesianGrid,
  ComposedChart,
  Legend,
  Line,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
  type TooltipContentProps,
} from "recharts";

import { useFormat } from "#/format/format";

import classes from "./time-chart.module.css";

export interface Series<T> {
  key: string;
  name: string;
  color: string;
  value: (point: T) => number | null | undefined;
  kind?: "area" | "line" | "bar";
  /** Those with the same name stand on top of each other. */
  stack?: string;
}

interface Props<T> {
  /** What is shown, in a sentence; for those who don't see it, with the last values. */
  label: string;
  points: readonly T[];
  /** When a point begins, in seconds since 1970. */
  at: (point: T) => number;
  /** Seconds that a point stands for. */
  step: number;
  series: readonly Series<T>[];
  format: (value: number | null) => string;
  height?: number;
  /** What is shown where there is no value at all. */
  empty: string;
}

export function TimeChart<T>({ label, points, at, step, series, format, height = 200, empty }: Props<T>) {
  const write = useFormat();
  const id = useId();
  const data = points.map((point) => {
    const row: Record<string, number | null> = { at: at(point) };
    for (const one of series) row[one.key] = one.value(point) ?? null;
    return row;
  });
  // Whole days are those of UTC.
  const daily = step >= 86_400;
  const tick = (moment: number) => (daily ? write.utcDay(moment) : write.hour(moment));
  if (data.every((row) => series.every((one) => (row[one.key] ?? 0) === 0))) {
    return (
      <Text c="dimmed" size="sm" h={height} className={classes.empty}>
        {empty}
      </Text>
    );
  }
  return (
    <figure className={classes.figure} aria-labelledby={id}>
      <VisuallyHidden id={id} component="figcaption">
        {label}
        {series.map((one) => ` ${one.name}: ${format(lastOf(data, one.key))}.`).join("")}
      </VisuallyHidden>
      <div aria-hidden>
        <ResponsiveContainer width="100%" height={height}>
          <ComposedChart data={data} margin={{ top: 4, right: 4, bottom: 0, left: 0 }} accessibilityLayer={false}>
            <CartesianGrid vertical={false} stroke="var(--app-grid)" />
            <XAxis
              dataKey="at"
              tickFormatter={tick}
              tick={{ fontSize: 11, fill: "var(--mantine-color-dimmed)" }}
              tickLine={false}
              axisLine={{ stroke: "var(--app-grid)" }}
              minTickGap={32}
            />
            <YAxis
              width={64}
              tickFormatter={format}
              tick={{ fontSize: 11, fill: "var(--mantine-color-dimmed)" }}
              tickLine={false}
              axisLine={false}
              tickCount={4}
            />
            <Tooltip
              cursor={{ stroke: "var(--app-line)", fill: "var(--app-grid)", fillOpacity: 0.5 }}
              isAnimationActive={false}
              content={(props) => <Hint {...props} title={(moment) => (daily ? write.utcDay(moment) : write.dateTime(moment))} format={format} />}
            />
            {series.length > 1 && <Legend wrapperStyle={{ fontSize: 12 }} iconSize={10} formatter={legendText} />}
            {series.map((one) => mark(one))}
          </ComposedChart>
        </ResponsiveContainer>
      </div>
    </figure>
  );
}

function mark<T>(series: Series<T>): ReactNode {
  const { key, name, color, stack } = series;
  const common = { key, dataKey: key, name, isAnimationActive: false, ...(stack === undefined ? {} : { stackId: stack }) };
  switch (series.kind ?? "area") {
    case "area":
      return <Area {...common} stroke={color} fill={color} fillOpacity={0.25} strokeWidth={1.5} dot={false} type="monotone" />;
    case "line":
      return <Line {...common} stroke={color} strokeWidth={2} dot={{ r: 1.5, fill: color }} connectNulls type="monotone" />;
    case "bar":
      return <Bar {...common} fill={color} maxBarSize={28} />;
  }
}

const legendText = (text: ReactNode) => <span className={classes.legend}>{text}</span>;

function lastOf(data: readonly Record<string, number | null>[], key: string): number | null {
  return data.findLast((row) => row[key] !== null)?.[key] ?? null;
}

type HintProps = TooltipContentProps & { title: (moment: number) => string; format: (value: number | null) => string };

function Hint({ active, payload, label, title, format }: HintProps) {
  if (!active || payload === undefined || payload.length === 0) return null;
  return (
    <div className={classes.hint}>
      <Text size="xs" fw={600}>
        {title(Number(label))}
      </Text>
      {payload.map((entry) => (
        <Text key={String(entry.dataKey)} size="xs">
          <span className={classes.dot} style={{ background: entry.color }} /> {entry.name}:{" "}
          {format(typeof entry.value === "number" ? entry.value : null)}
        </Text>
      ))}
    </div>
  );
}
