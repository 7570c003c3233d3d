/** What a chart draws: values of points, stacked where they belong together. */

export interface Series<T> {
  key: string;
  name: string;
  /** A CSS colour. */
  color: string;
  value: (point: T) => number | null | undefined;
  kind?: "area" | "line" | "bar";
  /** Those with the same name stand on top of each other. */
  stack?: string;
}

/** One value, and where it stands: from `low` to `high`, which differ from it where others are below. */
export interface Placed {
  value: number | null;
  low: number;
  high: number;
}

/** The values of every series, placed: series first, then points. */
export function placed<T>(points: readonly T[], series: readonly Series<T>[]): Placed[][] {
  const heights = new Map<string, number[]>();
  return series.map(({ value, stack }) => {
    const below = stack === undefined ? undefined : heights.get(stack);
    const row = points.map((point, index): Placed => {
      const known = value(point) ?? null;
      const low = below?.[index] ?? 0;
      return { value: known, low, high: low + (known ?? 0) };
    });
    if (stack !== undefined) heights.set(stack, row.map(({ high }) => high));
    return row;
  });
}
