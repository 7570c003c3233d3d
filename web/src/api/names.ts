/** The names that people gave to accounts and keys, by their ids. */

import { useQuery } from "@tanstack/react-query";

import { call } from "./client";

export interface Names {
  account: ReadonlyMap<string, string>;
  key: ReadonlyMap<string, string>;
}

/** The id of the key that the server makes at its first start. */
export const SERVER_KEY = "default";

const FRESH = 60_000;

export function useNames(): Names {
  const accounts = useQuery({
    queryKey: ["providers", "names"],
    queryFn: ({ signal }) => call("GET /api/providers", { signal }),
    select: ({ providers }) => new Map(Object.values(providers).flat().flatMap(named)),
    staleTime: FRESH,
  });
  const keys = useQuery({
    queryKey: ["client-keys", "names"],
    queryFn: ({ signal }) => call("GET /api/client-keys", { signal }),
    select: (found) => new Map(found.keys.map((one) => [one.id, one.name])),
    staleTime: FRESH,
  });
  return { account: accounts.data ?? NONE, key: keys.data ?? NONE };
}

const NONE: ReadonlyMap<string, string> = new Map();

function named(account: Record<string, unknown>): (readonly [string, string])[] {
  const { uuid, customName } = account;
  return typeof uuid === "string" && typeof customName === "string" && customName !== "" ? [[uuid, customName]] : [];
}
