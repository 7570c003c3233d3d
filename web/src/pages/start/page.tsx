/** The first steps: a key, a first answer, and a client of one's own. */

import { Stack } from "@mantine/core";

import { useStrings } from "#/language/strings";
import { PageHeader } from "#/pieces/page-header";
import { strings as shell } from "#/shell/strings";

import { ConnectStep } from "./connect-step";
import { KeyStep } from "./key-step";
import { strings } from "./strings";
import { TryStep } from "./try-step";

export default function StartPage() {
  const t = useStrings(strings);
  const names = useStrings(shell);
  return (
    <Stack gap={0} maw={920}>
      <PageHeader title={names.pages.start} text={t.text} />
      <KeyStep />
      <TryStep />
      <ConnectStep />
    </Stack>
  );
}
