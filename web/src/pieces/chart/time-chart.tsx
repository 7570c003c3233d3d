/** Values over time: areas on top of each other, lines, or bars; the values of a point where it is pointed at. */

import { Text, VisuallyHidden } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useId, useState } from "react";

import { useFormat } from "#/format/format";

import { Marks } from "./marks";
import { namedOf, ticksTo } from "./scale";
import { placed, type Placed, type Series } from "./series";
import classes from "./time-chart.module.css";

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
  /** Of the drawing, in pixels. */
  height?: number;
  /** What is shown where there is no value at all. */
  empty: string;
}

/** Pixels around the drawing, for the names of values and times; and the room that a name of a time takes. */
const LEFT = 64;
const TOP = 8;
const RIGHT = 8;
const BOTTOM = 22;
const NAME = 72;
const WIDEST_BAR = 28;

export function TimeChart<T>(props: Props<T>) {
  const { label, points, series, format, height = 200, empty } = props;
  const id = useId();
  const values = placed(points, series);
  if (values.every((row) => row.every(({ value }) => (value ?? 0) === 0))) {
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
        {series.map((one, index) => ` ${one.name}: ${format(lastOf(values[index] ?? []))}.`).join("")}
      </VisuallyHidden>
      <div aria-hidden>
        <Drawing {...props} values={values} height={height} />
        {series.length > 1 && (
          <div className={classes.legend}>
            {series.map((one) => (
              <span key={one.key}>
                <span className={classes.dot} style={{ background: one.color }} /> {one.name}
              </span>
            ))}
          </div>
        )}
      </div>
    </figure>
  );
}

function Drawing<T>({ points, at, step, series, format, values, height }: Props<T> & { values: Placed[][]; height: number }) {
  const write = useFormat();
  const { ref, width } = useElementSize<HTMLDivElement>();
  const [pointed, setPointed] = useState<number | null>(null);
  const all = values.flat();
  const ticks = ticksTo(Math.max(...all.map(({ high }) => high)), all.every(({ value }) => Number.isInteger(value ?? 0)));
  const band = Math.max(0, width - LEFT - RIGHT) / points.length;
  const x = (index: number) => LEFT + (index + 0.5) * band;
  const y = (value: number) => TOP + (1 - value / (ticks.at(-1) ?? 1)) * (height - TOP - BOTTOM);
  // Whole days are those of UTC.
  const daily = step >= 86_400;
  const tick = (moment: number) => (daily ? write.utcDay(moment) : write.hour(moment));
  const point = (left: number) => {
    const index = Math.floor((left - LEFT) / band);
    setPointed(index >= 0 && index < points.length ? index : null);
  };
  const chosen = pointed === null ? undefined : points[pointed];
  return (
    <div
      ref={ref}
      className={classes.drawing}
      style={{ height }}
      onPointerMove={(event) => point(event.clientX - event.currentTarget.getBoundingClientRect().left)}
      onPointerLeave={() => setPointed(null)}
    >
      {width > 0 && (
        <svg width={width} height={height} className={classes.svg}>
          {ticks.map((value) => (
            <g key={value}>
              <line x1={LEFT} x2={width - RIGHT} y1={y(value)} y2={y(value)} stroke="var(--app-grid)" />
              <text x={LEFT - 8} y={y(value)} dy="0.32em" textAnchor="end">
                {format(value)}
              </text>
            </g>
          ))}
          {namedOf(points.length, band, NAME).map((index) => {
            const named = points[index];
            return named === undefined ? null : (
              <text key={index} x={Math.min(x(index), width - NAME / 2)} y={height - 6} textAnchor="middle">
                {tick(at(named))}
              </text>
            );
          })}
          {pointed !== null && <rect x={LEFT + pointed * band} y={TOP} width={band} height={height - TOP - BOTTOM} fill="var(--app-line)" fillOpacity={0.5} />}
          {series.map((one, index) => (
            <Marks key={one.key} series={one} values={values[index] ?? []} x={x} y={y} bar={Math.min(WIDEST_BAR, band * 0.8)} />
          ))}
        </svg>
      )}
      {pointed !== null && chosen !== undefined && (
        <div className={classes.hint} style={x(pointed) < width / 2 ? { left: x(pointed) + 12 } : { right: width - x(pointed) + 12 }}>
          <Text size="xs" fw={600}>
            {daily ? write.utcDay(at(chosen)) : write.dateTime(at(chosen))}
          </Text>
          {series.map((one, index) => (
            <Text key={one.key} size="xs">
              <span className={classes.dot} style={{ background: one.color }} /> {one.name}: {format(values[index]?.[pointed]?.value ?? null)}
            </Text>
          ))}
        </div>
      )}
    </div>
  );
}

function lastOf(values: readonly Placed[]): number | null {
  return values.findLast(({ value }) => value !== null)?.value ?? null;
}
