/** Who looks at these pages: nobody yet, somebody without a session, or the administrator. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect } from "react";

import { call, onSessionEnd } from "#/api/client";
import { Problem } from "#/api/problem";

export type SessionState = "setup" | "out" | "expired" | "in";

const KEY = ["session"] as const;

async function look(): Promise<SessionState> {
  const { required } = await call("GET /api/setup");
  if (required) return "setup";
  try {
    await call("GET /api/health");
    return "in";
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return "out";
    throw error;
  }
}

export function useSession() {
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({ queryKey: KEY, queryFn: look, staleTime: Infinity, retry: false });
  useEffect(
    () =>
      onSessionEnd(() => {
        queries.setQueryData<SessionState>(KEY, (before) => (before === "in" ? "expired" : before));
      }),
    [queries],
  );
  return { state: data, error, retry: refetch };
}

/** Say that the session begins or ends. Nothing that one administrator saw stays for the next. */
export function useSessionChange() {
  const queries = useQueryClient();
  return useCallback(
    (state: SessionState) => {
      queries.removeQueries({ predicate: (query) => query.queryKey[0] !== KEY[0] });
      queries.setQueryData<SessionState>(KEY, state);
    },
    [queries],
  );
}

export function useLogout() {
  const change = useSessionChange();
  return useCallback(async () => {
    try {
      await call("POST /api/logout");
    } finally {
      change("out");
    }
  }, [change]);
}
