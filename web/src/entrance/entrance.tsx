/** What somebody sees: the first-run form, the login, or the pages. */

import { Center, Loader, Stack, VisuallyHidden } from "@mantine/core";
import { lazy, Suspense } from "react";

import { useSession } from "#/api/session";
import { useStrings } from "#/language/strings";
import { Failure } from "#/pieces/failure";
import { strings as common } from "#/shell/strings";

import { Card } from "./card";
import { Login } from "./login";
import { Setup } from "./setup";
import { strings } from "./strings";

const Shell = lazy(() => import("#/shell/shell").then((module) => ({ default: module.Shell })));

export function Entrance() {
  const t = useStrings(strings);
  const { state, error, retry } = useSession();
  if (error !== null) {
    return (
      <Card title={t.starting}>
        <Failure error={error} onRetry={retry} />
      </Card>
    );
  }
  switch (state) {
    case undefined:
      return <Waiting />;
    case "setup":
      return <Setup />;
    case "out":
    case "expired":
      return <Login expired={state === "expired"} />;
    case "in":
      return (
        <Suspense fallback={<Waiting />}>
          <Shell />
        </Suspense>
      );
  }
}

function Waiting() {
  const t = useStrings(common);
  return (
    <Center mih="100vh">
      <Stack role="status">
        <Loader type="dots" aria-hidden />
        <VisuallyHidden>{t.loading}</VisuallyHidden>
      </Stack>
    </Center>
  );
}
