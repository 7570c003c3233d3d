/** The values of one series as they are drawn: bars, an area, or a line with its points. */

import type { Placed, Series } from "./series";

interface Props<T> {
  series: Series<T>;
  values: readonly Placed[];
  /** Where the middle of a point is, in pixels. */
  x: (index: number) => number;
  /** Where a value is, in pixels from the top. */
  y: (value: number) => number;
  /** How wide a bar is, in pixels. */
  bar: number;
}

export function Marks<T>({ series, values, x, y, bar }: Props<T>) {
  const { color } = series;
  switch (series.kind ?? "area") {
    case "bar":
      return values.map(({ low, high }, index) =>
        high > low ? (
          // Points stand in one order, in which new ones take the places of old ones.
          // oxlint-disable-next-line react/no-array-index-key
          <rect key={index} x={x(index) - bar / 2} y={y(high)} width={bar} height={y(low) - y(high)} fill={color} />
        ) : null,
      );
    case "area": {
      const top = values.map(({ high }, index) => `${x(index)},${y(high)}`);
      const bottom = values.map(({ low }, index) => `${x(index)},${y(low)}`).toReversed();
      return (
        <>
          <polygon points={[...top, ...bottom].join(" ")} fill={color} fillOpacity={0.25} />
          <polyline points={top.join(" ")} fill="none" stroke={color} strokeWidth={1.5} strokeLinejoin="round" />
        </>
      );
    }
    case "line": {
      // What is unknown is left out; the line goes on from one known value to the next.
      const known = values.flatMap(({ value, high }, index) => (value === null ? [] : [[x(index), y(high)] as const]));
      return (
        <>
          <polyline points={known.map((place) => place.join(",")).join(" ")} fill="none" stroke={color} strokeWidth={2} strokeLinejoin="round" />
          {known.map(([left, top]) => (
            <circle key={left} cx={left} cy={top} r={2} fill={color} />
          ))}
        </>
      );
    }
  }
}
