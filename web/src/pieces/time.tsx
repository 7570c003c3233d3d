/** A moment, told from now ("5 min ago"); the exact one, here and in UTC, where it is pointed at. */

import { useSyncExternalStore } from "react";

import { momentOf, UNKNOWN, useFormat, type Moment } from "#/format/format";

let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const one of listeners) one();
  }, 10_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** Now, in milliseconds, renewed every ten seconds for all that ask. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

export function Time({ at }: { at: Moment | null | undefined }) {
  const format = useFormat();
  useNow();
  if (at === null || at === undefined) return UNKNOWN;
  const moment = momentOf(at);
  return (
    <time dateTime={moment.toISOString()} title={`${format.dateTime(moment)} · ${format.utc(moment)}`}>
      {format.relative(moment)}
    </time>
  );
}
