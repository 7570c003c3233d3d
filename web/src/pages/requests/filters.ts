/** Which requests are wanted, as the address says it: `?status=error&model=…&search=…`; `id` is the one that is shown. */

import { useMemo } from "react";
import { useSearchParams } from "wouter";

export const FIELDS = ["status", "provider", "model", "key", "account", "protocol", "error", "search"] as const;
export type Field = (typeof FIELDS)[number];
export type Filters = Partial<Record<Field, string>>;
/** Characters of a search that the server takes. */
export const SEARCH_LENGTH = 100;

export interface Address {
  filters: Filters;
  id: string | null;
  /** Null or "" takes a value away. */
  set: (name: Field | "id", value: string | null) => void;
  clear: () => void;
}

export function useAddress(): Address {
  const [search, setSearch] = useSearchParams();
  const text = search.toString();
  const filters = useMemo(() => {
    const found = new URLSearchParams(text);
    return Object.fromEntries(
      FIELDS.flatMap((name) => {
        const value = found.get(name)?.trim().slice(0, name === "search" ? SEARCH_LENGTH : 256) ?? "";
        return value === "" ? [] : [[name, value]];
      }),
    );
  }, [text]);
  return {
    filters,
    id: search.get("id"),
    set: (name, value) =>
      setSearch(
        (before) => {
          if (value === null || value === "") before.delete(name);
          else before.set(name, value);
          return before;
        },
        // A request that was opened is left with the browser's way back; the letters of a search aren't.
        { replace: name !== "id" || value === null },
      ),
    clear: () => setSearch({}, { replace: true }),
  };
}
