/** The keys with the revision of their file, which a change has to name; and what was used with each. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";

import { call, request } from "#/api/client";
import type { AllKeys, KeyShown } from "#/api/types";
import { sent, type Version } from "#/editing/merge";

import { fieldsOf, formOf, type KeyFields } from "./fields";

export interface Keys {
  keys: readonly KeyShown[];
  revision: string | null;
}

export async function readKeys(signal?: AbortSignal): Promise<Keys> {
  const answer = await request("GET /api/client-keys", signal === undefined ? {} : { signal });
  const { keys } = (await answer.json()) as AllKeys;
  return { keys, revision: answer.headers.get("etag") };
}

/** A key's limits as they can be edited; null where the key is there no more. */
export function versionIn({ keys, revision }: Keys, id: string): Version | null {
  const found = keys.find((one) => one.id === id);
  return found === undefined ? null : { fields: { ...fieldsOf(formOf(found)) }, revision };
}

export function useKeys() {
  return useQuery({ queryKey: ["client-keys", "list"], queryFn: ({ signal }) => readKeys(signal), refetchInterval: 15_000 });
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

/** Change fields of a key, where nobody else has changed it since `base` was read. */
export function useKeyChange() {
  const queries = useQueryClient();
  return useCallback(
    async (id: string, base: Version, fields: KeyFields) => {
      const read = async () => versionIn(await readKeys(), id);
      try {
        await sent(base, read, (headers) => call("PUT /api/client-keys/{key_id}", { path: { key_id: id }, body: fields, headers }));
      } finally {
        await queries.invalidateQueries({ queryKey: ["client-keys"] });
      }
    },
    [queries],
  );
}

export type KeyState = "active" | "disabled" | "expired";

export function stateOf(key: KeyShown, now: number): KeyState {
  if (key.disabled) return "disabled";
  if (key.expires !== null && key.expires !== undefined && Date.parse(key.expires) <= now) return "expired";
  return "active";
}
