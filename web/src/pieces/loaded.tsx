/** Shows a query: a place holder at first, the failure with a way to try again, or what came. */

import { Box, Skeleton, VisuallyHidden } from "@mantine/core";
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
  const failed = query.error !== null && query.error !== undefined;
  // What came earlier stays, with a word about the failure above it; what people have begun in it stays as well.
  return (
    <>
      {failed && (
        <Box mb="md">
          <Failure error={query.error} onRetry={query.refetch} />
        </Box>
      )}
      {query.data !== undefined && children(query.data)}
      {query.data === undefined && !failed && (
        <div role="status">
          <VisuallyHidden>{t.loading}</VisuallyHidden>
          <Skeleton height={height} radius="md" />
        </div>
      )}
    </>
  );
}
