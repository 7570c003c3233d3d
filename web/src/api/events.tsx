/** The server's event stream, once for all pages: what happened lately, and whether it is connected. After a break it goes on
 * with `Last-Event-ID`, so that nothing is missed or told twice. */

import {
  createContext,
  use,
  useEffect,
  useEffectEvent,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from "react";

import { request } from "#/api/client";
import { Problem } from "#/api/problem";
import { serverEvents } from "#/api/sse";

export interface LiveEvent {
  id: string;
  name: string;
  data: Record<string, unknown>;
  /** Milliseconds since 1970. */
  at: number;
}

export type Connection = "connecting" | "open" | "waiting";

export interface Snapshot {
  events: readonly LiveEvent[];
  connection: Connection;
}

/** Events that are kept here; the server keeps as many. */
const KEPT = 1000;
const SHORTEST_PAUSE = 500;
const LONGEST_PAUSE = 5000;

export class EventStream {
  private snapshot: Snapshot = { events: [], connection: "connecting" };
  private readonly listeners = new Set<() => void>();
  private last = "0";
  private stopping = new AbortController();

  readonly get = (): Snapshot => this.snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  start(): void {
    this.stopping = new AbortController();
    void this.run(this.stopping.signal);
  }

  stop(): void {
    this.stopping.abort();
  }

  private async run(signal: AbortSignal): Promise<void> {
    let pause = SHORTEST_PAUSE;
    while (!signal.aborted) {
      try {
        const response = await request("GET /api/events", { headers: { "last-event-id": this.last }, signal });
        this.tell({ connection: "open" });
        pause = SHORTEST_PAUSE;
        if (response.body !== null) await this.read(response.body);
      } catch (error) {
        if (signal.aborted || (error instanceof Problem && error.status === 401)) return;
      }
      if (signal.aborted) return;
      this.tell({ connection: "waiting" });
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    for await (const { id, event, data } of serverEvents(body)) {
      if (id === null) continue;
      this.last = id;
      this.add({ id, name: event, ...contentOf(data) });
    }
  }

  private waiting: LiveEvent[] = [];

  /** Many events that come at once are one change of the page. */
  private add(event: LiveEvent): void {
    this.waiting.push(event);
    if (this.waiting.length > 1) return;
    setTimeout(() => {
      const { events } = this.snapshot;
      const arrived = this.waiting;
      this.waiting = [];
      this.tell({ events: [...events, ...arrived].slice(-KEPT) });
    }, 50);
  }

  private tell(change: Partial<Snapshot>): void {
    this.snapshot = { ...this.snapshot, ...change };
    for (const listener of this.listeners) listener();
  }
}

function contentOf(text: string): Pick<LiveEvent, "data" | "at"> {
  try {
    const data = JSON.parse(text) as Record<string, unknown>;
    const at = typeof data.timestamp === "string" ? Date.parse(data.timestamp) : Number.NaN;
    return { data, at: Number.isNaN(at) ? Date.now() : at };
  } catch {
    return { data: { text }, at: Date.now() };
  }
}

const Context = createContext<EventStream | null>(null);

export function EventsProvider({ children }: { children: ReactNode }) {
  const stream = useMemo(() => new EventStream(), []);
  useEffect(() => {
    stream.start();
    return () => stream.stop();
  }, [stream]);
  return <Context value={stream}>{children}</Context>;
}

/** What happened lately, oldest first, and the state of the connection. */
export function useEvents(): Snapshot {
  const stream = use(Context);
  if (stream === null) throw new Error("useEvents outside of EventsProvider");
  return useSyncExternalStore(stream.subscribe, stream.get);
}

/** Call `listener` for each event of these names that comes from now on. */
export function useEventListener(names: readonly string[], listener: (event: LiveEvent) => void): void {
  const { events } = useEvents();
  const [since] = useState(() => Date.now());
  const seen = useRef("0");
  const hear = useEffectEvent((event: LiveEvent) => {
    if (event.at >= since && names.includes(event.name)) listener(event);
  });
  useEffect(() => {
    for (const event of events) {
      if (BigInt(event.id) <= BigInt(seen.current)) continue;
      seen.current = event.id;
      hear(event);
    }
  }, [events]);
}
