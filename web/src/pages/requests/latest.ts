/** The requests that match, newest first: those that were there, page by page as they are wanted, and those that came since. */

import { useInfiniteQuery, useQuery, useQueryClient, type InfiniteData } from "@tanstack/react-query";
import { useMemo } from "react";

import { call } from "#/api/client";
import type { RequestShown } from "#/api/types";

import type { Filters } from "./filters";

/** As many as the server gives at once. */
const PAGE = 1000;
/** Milliseconds between two looks. */
const PAUSE = 3000;
/** Seconds: a worker tells of its requests a little later than they end, and another one's may be known already. */
const LATE = 30;

/** Requests have ids that clients may give, so that one alone isn't always unique. */
export function keyOf(row: RequestShown): string {
  return `${row.request_id} ${row.at}`;
}

export function useLatest(filters: Filters, live: boolean) {
  const queries = useQueryClient();
  const pagesKey = ["requests", "pages", filters];
  const pages = useInfiniteQuery({
    queryKey: pagesKey,
    queryFn: async ({ signal, pageParam }) => {
      const query = { ...filters, limit: PAGE, ...(pageParam === null ? {} : { before: pageParam }) };
      return { ...(await call("GET /api/requests", { query, signal })), askedAt: Date.now() / 1000 };
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    staleTime: Infinity,
    gcTime: 0,
    // Rows never change; comparing all that are here with themselves, page after page, would stall a long list.
    structuralSharing: false,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  const first = pages.data?.pages[0];
  const since = first === undefined ? null : (first.requests[0]?.at ?? first.askedAt) - LATE;
  const fresh = useQuery({
    queryKey: ["requests", "fresh", filters, since],
    queryFn: async ({ signal }) => {
      const query = { ...filters, limit: PAGE, since };
      const found = await call("GET /api/requests", { query, signal });
      if (found.next !== null) {
        // More came than one answer holds: begin anew from what is the latest now, with one page.
        queries.setQueryData<InfiniteData<unknown>>(pagesKey, firstOf);
        void pages.refetch();
      }
      return found.requests;
    },
    enabled: since !== null && live,
    refetchInterval: PAUSE,
    gcTime: 0,
  });
  const rows = useMemo(
    () => merged(fresh.data ?? [], pages.data?.pages.flatMap((page) => page.requests) ?? []),
    [fresh.data, pages.data],
  );
  return { rows, pages, error: pages.error ?? fresh.error };
}

function firstOf(known: InfiniteData<unknown> | undefined): InfiniteData<unknown> | undefined {
  return known && { pages: known.pages.slice(0, 1), pageParams: known.pageParams.slice(0, 1) };
}

/** What came since, and then what was there. Requests that are told late take their place among the latest. */
function merged(fresh: readonly RequestShown[], known: readonly RequestShown[]): readonly RequestShown[] {
  const oldest = fresh.at(-1)?.at ?? Infinity;
  const cut = known.findIndex((row) => row.at < oldest);
  const recent = cut < 0 ? known : known.slice(0, cut);
  const seen = new Set(recent.map(keyOf));
  const added = fresh.filter((row) => !seen.has(keyOf(row)));
  if (added.length === 0) return known;
  return [...[...added, ...recent].toSorted((a, b) => b.at - a.at), ...(cut < 0 ? [] : known.slice(cut))];
}
