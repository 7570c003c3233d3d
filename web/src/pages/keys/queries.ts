/** The keys with the revision of their file, which a change has to name; and what was used with each. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";

import { call, request, type Body } from "#/api/client";
import type { AllKeys, KeyShown } from "#/api/types";

export type KeyFields = Body<"PUT /api/client-keys/{key_id}">;

export function useKeys() {
  return useQuery({
    queryKey: ["client-keys", "list"],
    queryFn: async ({ signal }) => {
      const answer = await request("GET /api/client-keys", { signal });
      const { keys } = (await answer.json()) as AllKeys;
      return { keys, revision: answer.headers.get("etag") };
    },
    refetchInterval: 15_000,
  });
}

/** Sums of the last 30 days by the id of the key. */
export function useUsageByKey() {
  return useQuery({
    queryKey: ["client-keys", "usage"],
    queryFn: ({ signal }) => call("GET /api/usage-statistics", { query: { by: "key" }, signal }),
    select: (found) => new Map(found.rows.map((row) => [String(row.name), row])),
    refetchInterval: 15_000,
  });
}

/** Change a key, if nobody else has changed the file since it was read. */
export function useKeyChange(revision: string | null) {
  const queries = useQueryClient();
  return useCallback(
    async (id: string, fields: KeyFields) => {
      try {
        const headers: Record<string, string> = revision === null ? {} : { "if-match": revision };
        await call("PUT /api/client-keys/{key_id}", { path: { key_id: id }, body: fields, headers });
      } finally {
        await queries.invalidateQueries({ queryKey: ["client-keys"] });
      }
    },
    [queries, revision],
  );
}

export type KeyState = "active" | "disabled" | "expired";

export function stateOf(key: KeyShown, now: number): KeyState {
  if (key.disabled) return "disabled";
  if (key.expires !== null && key.expires !== undefined && Date.parse(key.expires) <= now) return "expired";
  return "active";
}
