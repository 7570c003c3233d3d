/** The client key that these pages call the client APIs with. It stays in this tab and is gone with it. */

import { useSyncExternalStore } from "react";

const KEPT = "codenex.client-key";
const listeners = new Set<() => void>();
let current = read();

function read(): string {
  try {
    return sessionStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
}

export function setClientKey(key: string): void {
  current = key;
  try {
    if (key === "") sessionStorage.removeItem(KEPT);
    else sessionStorage.setItem(KEPT, key);
  } catch {
    // Without storage it is gone when the page is loaded anew.
  }
  for (const listener of listeners) listener();
}

export function useClientKey(): string {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}
