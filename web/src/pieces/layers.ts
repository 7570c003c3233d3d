/** What lies on top of the page: panels, and dialogues above them. Escape closes the uppermost alone, and the focus goes back to
 * where it was before, also where what is closed is taken out of the page at once. */

import { useEffect, useId, useSyncExternalStore } from "react";

let layers: readonly string[] = [];
const listeners = new Set<() => void>();

function change(after: readonly string[]): void {
  layers = after;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether this one is the uppermost while it is open. */
export function useUppermost(opened: boolean): boolean {
  const id = useId();
  useEffect(() => {
    if (!opened) return;
    const before = document.activeElement;
    change([...layers, id]);
    return () => {
      change(layers.filter((one) => one !== id));
      // A moment later, since what goes away takes the focus along.
      setTimeout(() => {
        const lost = document.activeElement === document.body || document.activeElement === null;
        if (lost && before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
      });
    };
  }, [opened, id]);
  return useSyncExternalStore(subscribe, () => layers.at(-1)) === id;
}
