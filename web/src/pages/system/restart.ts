/** A restart, followed until every process is a new one. */

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";

import { call } from "#/api/client";
import { Problem } from "#/api/problem";

export type Progress = { kind: "running"; done: number; all: number } | { kind: "done" } | { kind: "slow" };

/** Milliseconds between two looks, and until one gives up looking. */
const PAUSE = 500;
const PATIENCE = 120_000;

export function useRestart(): { progress: Progress | null; restart: () => Promise<void> } {
  const queries = useQueryClient();
  const [progress, setProgress] = useState<Progress | null>(null);
  const gone = useRef(false);
  useEffect(() => {
    gone.current = false;
    return () => {
      gone.current = true;
    };
  }, []);

  const follow = useCallback(
    async (old: ReadonlySet<number>) => {
      const end = Date.now() + PATIENCE;
      while (!gone.current && Date.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
        try {
          const { processes, settled } = await call("GET /api/system");
          const replaced = processes.filter((process) => process.role !== "master");
          const fresh = replaced.filter((process) => !old.has(process.pid) && process.state === "serving");
          setProgress({ kind: "running", done: fresh.length, all: replaced.length });
          if (settled && fresh.length === replaced.length && fresh.length > 0) {
            // The list shows the new processes before anything says that they are there.
            await queries.invalidateQueries({ queryKey: ["system"] });
            setProgress({ kind: "done" });
            return;
          }
        } catch (error) {
          // The control process is being replaced as well: for a moment nobody answers.
          if (error instanceof Problem && error.status !== 0 && error.status < 500) throw error;
        }
      }
      setProgress({ kind: "slow" });
    },
    [queries],
  );

  const restart = useCallback(async () => {
    const { processes } = await call("GET /api/system");
    const old = processes.filter((process) => process.role !== "master").map((process) => process.pid);
    await call("POST /api/restart-service");
    setProgress({ kind: "running", done: 0, all: old.length });
    void follow(new Set(old)).catch(() => setProgress({ kind: "slow" }));
  }, [follow]);

  return { progress, restart };
}
