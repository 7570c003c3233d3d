/** The changes as the server understands them, tried without being written; then saved. */

import { Alert, Button, Code, Group, List, Stack, Table, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";

import { call } from "#/api/client";
import type { ConfigChanged } from "#/api/types";
import { Conflict } from "#/editing/conflict";
import { ifMatch, isConflict, type Fields, type Version } from "#/editing/merge";
import { useStrings } from "#/language/strings";
import { Dialogue } from "#/pieces/dialogue";
import { Failure } from "#/pieces/failure";
import { Loaded } from "#/pieces/loaded";
import { tell } from "#/pieces/report";

import { writtenValue } from "./settings";
import { strings } from "./strings";

interface Props {
  changes: Fields;
  base: Version;
  read: () => Promise<Version>;
  onClose: () => void;
  /** Reads what is there now; the question stays until it has. */
  onSaved: () => Promise<void>;
  /** Go on with these changes of what somebody else has saved. */
  onTake: (version: Version, changes: Fields) => void;
}

export function Review({ changes, base, read, onClose, onSaved, onTake }: Props) {
  const t = useStrings(strings);
  const headers = ifMatch(base.revision);
  const body = { ...changes };
  const tried = useQuery({
    queryKey: ["config", "tried", changes, base.revision],
    queryFn: ({ signal }) => call("POST /api/config", { query: { dry_run: true }, body, headers, signal }),
    retry: false,
    gcTime: 0,
  });
  const save = useMutation({
    mutationFn: () => call("POST /api/config", { body, headers }),
    onSuccess: () => {
      tell(t.saved);
      return onSaved();
    },
  });
  return (
    <Dialogue opened onClose={onClose} title={t.reviewTitle} size="lg" closeButtonProps={{ "aria-label": t.back }}>
      <Stack gap="sm">
        {isConflict(save.error ?? tried.error) ? (
          <Conflict base={base} changes={changes} read={read} onTake={onTake} />
        ) : (
          <>
            {save.isError && <Failure error={save.error} />}
            <Loaded query={tried} height={120}>
              {(told) => <Told told={told} />}
            </Loaded>
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                {t.back}
              </Button>
              <Button loading={save.isPending} disabled={!tried.isSuccess || tried.data.changes.length === 0} onClick={() => save.mutate()}>
                {t.save}
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </Dialogue>
  );
}

function Told({ told }: { told: ConfigChanged }) {
  const t = useStrings(strings);
  if (told.changes.length === 0) return <Text size="sm">{t.nothing}</Text>;
  return (
    <Stack gap="sm">
      <Table.ScrollContainer minWidth={360} scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": t.reviewTitle } }}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t.name}</Table.Th>
              <Table.Th>{t.before}</Table.Th>
              <Table.Th>{t.after}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {told.changes.map((change) => (
              <Table.Tr key={change.name}>
                <Table.Td>
                  <Code className="app-break">{change.name}</Code>
                </Table.Td>
                <Table.Td className="app-break">{writtenValue(change.before, t.noValue)}</Table.Td>
                <Table.Td className="app-break" fw={600}>
                  {writtenValue(change.after, t.noValue)}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Remarks title={t.overruledTitle} lines={Object.entries(told.overruled).map(([name, by]) => `${name}: ${by}`)} />
      <Remarks title={t.atStartTitle} lines={told.atStart} />
    </Stack>
  );
}

function Remarks({ title, lines }: { title: string; lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return (
    <Alert color="yellow" title={title}>
      <List size="sm">
        {lines.map((line) => (
          <List.Item key={line} className="app-break">
            {line}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}
