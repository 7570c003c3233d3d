/** How the rows of the table are called. */

import { useNames } from "#/api/names";
import type { UsageSum } from "#/api/types";
import { useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";

import { FILTERS, type Dimension, type Filter } from "./queries";
import { strings } from "./strings";

export function isFilter(dimension: Dimension): dimension is Filter {
  return (FILTERS as readonly string[]).includes(dimension);
}

/** Writes the name of something that requests are told apart by. */
export function useNaming(): (dimension: Dimension, name: UsageSum["name"]) => string {
  const t = useStrings(strings);
  const format = useFormat();
  const names = useNames();
  return (dimension, name) => {
    if (name === null || name === undefined) {
      return dimension === "key" || dimension === "error" ? t.unnamed[dimension] : t.unnamed.other;
    }
    switch (dimension) {
      case "account":
      case "key":
        return names[dimension].get(String(name)) ?? String(name);
      case "day":
        return format.utcDay(Number(name));
      case "hour":
        return format.dateTime(Number(name));
      case "model":
      case "provider":
      case "protocol":
      case "status":
      case "error":
        return String(name);
    }
  };
}
