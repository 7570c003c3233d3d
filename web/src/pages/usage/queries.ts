/** What the page asks the server: sums of a period, and the quotas of accounts. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { call, type Query } from "#/api/client";

export const DIMENSIONS = ["model", "provider", "account", "key", "protocol", "status", "error", "day", "hour"] as const;
export type Dimension = (typeof DIMENSIONS)[number];
/** Days. */
export const PERIODS = ["1", "7", "30", "90"] as const;
export type Period = (typeof PERIODS)[number];
/** What sums can be narrowed to. */
export const FILTERS = ["model", "provider", "account", "key", "protocol"] as const;
export type Filter = (typeof FILTERS)[number];
export type Filters = Partial<Record<Filter, string>>;

/** Seconds. */
export const HOUR = 3600;
export const DAY = 24 * HOUR;
/** Milliseconds between two looks. */
const PAUSE = 30_000;

/** The query of a period that ends now; it begins with a whole step, so that the first bar of a chart is a whole one. */
export function queryOf(by: Dimension, period: Period, filters: Filters): Query<"GET /api/usage-statistics"> {
  const step = stepOf(period);
  const since = Math.ceil((Date.now() / 1000 - Number(period) * DAY) / step) * step;
  return { by, since, ...filters };
}

/** Seconds that a bar of a chart stands for. */
export function stepOf(period: Period): number {
  return period === "1" ? HOUR : DAY;
}

export function useSums(by: Dimension, period: Period, filters: Filters) {
  return useQuery({
    queryKey: ["usage", by, period, filters],
    queryFn: ({ signal }) => call("GET /api/usage-statistics", { query: queryOf(by, period, filters), signal }),
    refetchInterval: PAUSE,
    placeholderData: keepPreviousData,
  });
}

/** Every account with its quotas. */
export function useAccounts() {
  return useQuery({
    queryKey: ["usage", "accounts"],
    queryFn: ({ signal }) => call("GET /api/usage", { signal }),
    staleTime: 5 * 60_000,
  });
}
