/** One streamed request: what has come so far, when each event came, and what the head of the answer said. */

import { useCallback, useEffect, useRef, useState } from "react";

import { streamed } from "#/client/stream";

import { NOTHING, withPiece, type Reply } from "./conversation";
import type { Protocol } from "./protocols/protocol";

export interface TimedEvent {
  number: number;
  /** Milliseconds after the request was sent, and after the event before. */
  ms: number;
  gap: number;
  name: string;
  data: string;
}

export interface Head {
  status: number;
  provider: string | null;
  losses: string | null;
  requestId: string | null;
}

export interface Run {
  reply: Reply;
  events: readonly TimedEvent[];
  head: Head | null;
  /** Milliseconds until the end; null until then. */
  total: number | null;
  error: unknown;
  running: boolean;
}

const IDLE: Run = { reply: NOTHING, events: [], head: null, total: null, error: null, running: false };

export interface Asked {
  protocol: Protocol;
  key: string;
  provider: string;
  model: string;
  body: unknown;
}

export function useRun() {
  const [run, setRun] = useState<Run>(IDLE);
  const stopping = useRef<AbortController | null>(null);
  useEffect(() => () => stopping.current?.abort(), []);

  /** Send; return the answer, or null where there is none to go on with. */
  const start = useCallback(async ({ protocol, key, provider, model, body }: Asked): Promise<Reply | null> => {
    const control = new AbortController();
    stopping.current?.abort();
    stopping.current = control;
    const began = performance.now();
    let state: Run = { ...IDLE, running: true };
    let drawn = 0;
    const tell = (change: Partial<Run>, now = false) => {
      state = { ...state, ...change };
      // A fast stream has more events than anybody can see: the page is drawn anew for every frame at most.
      if (!now && performance.now() - drawn < 30) return;
      drawn = performance.now();
      setRun(state);
    };
    tell({}, true);
    let reply: Reply | null = null;
    try {
      const events = streamed({
        path: protocol.path(model),
        key,
        headers: { ...protocol.headers, ...(provider === "" ? {} : { "model-provider": provider }) },
        body,
        signal: control.signal,
        onHead: (response) => tell({ head: headOf(response) }, true),
      });
      for await (const event of events) {
        const ms = performance.now() - began;
        const before = state.events.at(-1)?.ms ?? 0;
        const timed = { number: state.events.length + 1, ms, gap: ms - before, name: event.event, data: event.data };
        tell({ events: [...state.events, timed], reply: protocol.read(event).reduce(withPiece, state.reply) });
      }
      if (state.reply.error === null) reply = state.reply;
    } catch (error) {
      if (!control.signal.aborted) tell({ error }, true);
      else if (state.reply.text !== "") reply = state.reply;
    }
    tell({ running: false, total: performance.now() - began }, true);
    return reply;
  }, []);

  const stop = useCallback(() => stopping.current?.abort(), []);
  const reset = useCallback(() => setRun(IDLE), []);
  return { run, start, stop, reset };
}

function headOf(response: Response): Head {
  return {
    status: response.status,
    provider: response.headers.get("x-codenex-provider"),
    losses: response.headers.get("x-codenex-losses"),
    requestId: response.headers.get("x-request-id"),
  };
}
