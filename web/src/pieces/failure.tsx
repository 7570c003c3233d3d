/** A call that failed: the server's words, every mistake with its place, and the id under which the server's log has it. */

import { Alert, Button, Code, Group, List, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";

import { Problem } from "#/api/problem";
import { useStrings } from "#/language/strings";

import { CopyButton } from "./copy";
import { strings } from "./strings";

export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => unknown }) {
  const t = useStrings(strings);
  const problem = error instanceof Problem ? error : null;
  return (
    <Alert color="red" role="alert" icon={<IconAlertTriangle aria-hidden />} title={t.failed}>
      <Text size="sm" className="app-break">
        {problem?.status === 0 ? t.unreachable : error instanceof Error ? error.message : String(error)}
      </Text>
      {problem !== null && problem.details.length > 1 && (
        <List size="sm" mt="xs">
          {problem.details.map((detail) => (
            <List.Item key={`${detail.place}${detail.message}`} className="app-break">
              {detail.place !== null && <Code>{detail.place}</Code>} {detail.message}
            </List.Item>
          ))}
        </List>
      )}
      {problem !== null && problem.retryAfter !== null && <Text size="sm">{t.tryAgainIn(problem.retryAfter)}</Text>}
      <Group gap="xs" mt="xs">
        {onRetry !== undefined && (
          <Button size="xs" variant="default" onClick={() => void onRetry()}>
            {t.tryAgain}
          </Button>
        )}
        {problem !== null && problem.requestId !== null && (
          <Group gap={4}>
            <Text size="xs">
              {t.requestId}: <span className="app-mono app-break">{problem.requestId}</span>
            </Text>
            <CopyButton value={problem.requestId} size="xs" />
          </Group>
        )}
      </Group>
    </Alert>
  );
}
