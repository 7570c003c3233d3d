/** What is known of the last request: who answered, how fast, how many tokens, what was lost. */

import { Alert, Badge, Code, Group, Text } from "@mantine/core";

import { useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { CopyButton } from "#/pieces/copy";
import { Failure } from "#/pieces/failure";

import type { Run } from "./run";
import { strings } from "./strings";

export function Outcome({ run }: { run: Run }) {
  const t = useStrings(strings);
  const format = useFormat();
  const { head, reply, events, total, error } = run;
  const first = events[0]?.ms;
  return (
    <>
      {error !== null && <Failure error={error} />}
      {reply.error !== null && (
        <Alert color="red" role="alert">
          {reply.error}
        </Alert>
      )}
      {head !== null && (
        <Group gap="xs" data-testid="outcome">
          <Badge color={head.status < 400 ? "green" : "red"}>{head.status}</Badge>
          {head.provider !== null && <Text size="xs">{t.answeredBy(head.provider)}</Text>}
          {first !== undefined && <Text size="xs">{t.firstEvent(format.duration(first))}</Text>}
          {total !== null && <Text size="xs">{t.total(format.duration(total))}</Text>}
          {reply.output !== null && (
            <Text size="xs">{t.tokens(format.number(reply.input), format.number(reply.output))}</Text>
          )}
          {reply.finish !== null && <Text size="xs">{t.finish(reply.finish)}</Text>}
        </Group>
      )}
      {head !== null && head.requestId !== null && (
        <Group gap={4}>
          <Text size="xs" c="dimmed">
            {t.requestId} <span className="app-mono app-break">{head.requestId}</span>
          </Text>
          <CopyButton value={head.requestId} size="xs" />
        </Group>
      )}
      {head !== null && head.losses !== null && (
        <Alert color="yellow" title={t.lost} p="xs">
          <Code className="app-break">{head.losses}</Code>
        </Alert>
      )}
    </>
  );
}
