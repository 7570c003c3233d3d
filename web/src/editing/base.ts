import { useCallback, useState } from "react";

import type { Version } from "./merge";

interface Base {
  /** What the editing began with; the latest while nothing is being edited. */
  base: Version;
  /** Keep what is there now, since something is being edited from here on. */
  begin: () => void;
  /** Go on from another version; null: nothing is being edited any more. */
  restart: (version: Version | null) => void;
}

/** Keeps what was there when editing began, whatever is read meanwhile: changes are told from that, and name its revision. */
export function useBase(latest: Version): Base {
  const [kept, setKept] = useState<Version | null>(null);
  const begin = useCallback(() => setKept((before) => before ?? latest), [latest]);
  return { base: kept ?? latest, begin, restart: setKept };
}
