/** How the rows of the table are called. */

import { SERVER_KEY, useNames } from "#/api/names";
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
      return dimension === "error" ? t.unnamed.error : t.unnamed.other;
    }
    switch (dimension) {
      case "account":
        return names.account.get(String(name)) ?? String(name);
      case "key":
        return names.key.get(String(name)) ?? (name === SERVER_KEY ? t.unnamed.key : String(name));
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
