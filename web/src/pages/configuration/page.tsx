/** The configuration: a form with help and sources, the file itself as JSON, and a look at every change before it is saved. */

import { Button } from "@mantine/core";
import { IconReload } from "@tabler/icons-react";

import { call } from "#/api/client";
import { useStrings } from "#/language/strings";
import { Loaded } from "#/pieces/loaded";
import { PageHeader } from "#/pieces/page-header";
import { reported, tell } from "#/pieces/report";
import { strings as shell } from "#/shell/strings";

import { Editor } from "./editor";
import { useConfiguration } from "./settings";
import { strings } from "./strings";

export default function ConfigurationPage() {
  const t = useStrings(strings);
  const names = useStrings(shell);
  const query = useConfiguration();
  const reload = async () => {
    const answer = await call("POST /api/reload-config");
    tell(answer.success ? t.reloaded : answer.message, answer.success ? "green" : "yellow");
    await query.refetch();
  };
  const read = async () => {
    const { data } = await query.refetch({ throwOnError: true });
    if (data === undefined) throw new Error(t.reload);
    return data;
  };
  return (
    <>
      <PageHeader title={names.pages.configuration} text={t.text}>
        <Button variant="default" leftSection={<IconReload size={16} aria-hidden />} onClick={() => void reported(reload())}>
          {t.reload}
        </Button>
      </PageHeader>
      <Loaded query={query} height={480}>
        {(configuration) => <Editor configuration={configuration} read={read} />}
      </Loaded>
    </>
  );
}
