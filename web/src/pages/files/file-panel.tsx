import { Alert, Button, Group, List, Stack } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";

import { addressOf, call } from "#/api/client";
import type { FileShown } from "#/api/types";
import { useStrings } from "#/language/strings";
import { CodeBlock } from "#/pieces/code";
import { useConfirmation } from "#/pieces/confirm";
import { Loaded } from "#/pieces/loaded";
import { reported } from "#/pieces/report";
import { SidePanel } from "#/pieces/side-panel";
import { tellDeleted } from "#/pieces/undo";

import { strings } from "./strings";

/** One file: who uses it, its masked content, and what can be done with it. */
export function FilePanel({ file, onClose }: { file: FileShown; onClose: () => void }) {
  const t = useStrings(strings);
  const queries = useQueryClient();
  const [confirmation, ask] = useConfirmation();
  const query = useQuery({
    queryKey: ["file", file.path, file.modified],
    queryFn: ({ signal }) => call("GET /api/upload-configs/view/{path}", { path: { path: file.path }, signal }),
  });
  const remove = async () => {
    const { undo } = await call("DELETE /api/upload-configs/delete/{path}", { path: { path: file.path }, query: { force: file.isUsed } });
    const renew = () => queries.invalidateQueries({ queryKey: ["files"] });
    onClose();
    tellDeleted(t.removed(file.name), undo, renew);
    await renew();
  };
  return (
    <SidePanel opened onClose={onClose} title={file.name} size="xl">
      {confirmation}
      <Stack gap="sm">
        {file.errorMessage !== null && <Alert color="red">{file.errorMessage}</Alert>}
        {file.usageInfo.usageDetails.length > 0 && (
          <List size="sm">
            {file.usageInfo.usageDetails.map((use) => (
              <List.Item key={`${use.providerType}${use.providerIndex}${use.configKey}`} className="app-break">
                {use.location}
              </List.Item>
            ))}
          </List>
        )}
        <Loaded query={query}>{({ content }) => <CodeBlock label={t.content} value={content} height={560} />}</Loaded>
        <Group gap="xs">
          <Button component="a" variant="default" size="xs" download href={addressOf("GET /api/upload-configs/download/{path}", { path: file.path })}>
            {t.download}
          </Button>
          <Button
            size="xs"
            variant="light"
            color="red"
            onClick={() => {
              // What is in use is asked about all the same: accounts fail until it is back.
              if (file.isUsed) ask({ title: t.removeTitle(file.name), text: t.removeUsed, action: t.remove, danger: true, word: file.name, run: remove });
              else void reported(remove());
            }}
          >
            {t.remove}
          </Button>
        </Group>
      </Stack>
    </SidePanel>
  );
}
