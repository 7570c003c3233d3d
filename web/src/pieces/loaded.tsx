/** Shows a query: a place holder at first, the failure with a way to try again, or what came. */

import { Skeleton, VisuallyHidden } from "@mantine/core";
import type { ReactNode } from "react";

import { useStrings } from "#/language/strings";

import { Failure } from "./failure";
import { strings } from "./strings";

interface Source<T> {
  data: T | undefined;
  error: unknown;
  refetch: () => unknown;
}

interface Props<T> {
  query: Source<T>;
  /** The height that the place holder takes, in pixels. */
  height?: number;
  children: (data: T) => ReactNode;
}

export function Loaded<T>({ query, height = 200, children }: Props<T>) {
  const t = useStrings(strings);
  // What came earlier stays, with a word about the failure above it.
  if (query.error !== null && query.error !== undefined) {
    return (
      <>
        <Failure error={query.error} onRetry={query.refetch} />
        {query.data !== undefined && <div style={{ marginTop: "0.75rem" }}>{children(query.data)}</div>}
      </>
    );
  }
  if (query.data === undefined) {
    return (
      <div role="status">
        <VisuallyHidden>{t.loading}</VisuallyHidden>
        <Skeleton height={height} radius="md" />
      </div>
    );
  }
  return children(query.data);
}
