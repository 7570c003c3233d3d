/** What was said so far. */

import { Code, Group, Image, Paper, Stack, Text } from "@mantine/core";

import { useStrings } from "#/language/strings";

import type { Call, Turn } from "./conversation";
import { strings } from "./strings";

export function Turns({ turns }: { turns: readonly Turn[] }) {
  return turns.map((turn, index) => (
    // Turns are added and removed at the end alone.
    // oxlint-disable-next-line react/no-array-index-key
    <TurnCard key={index} turn={turn} />
  ));
}

function TurnCard({ turn }: { turn: Turn }) {
  const t = useStrings(strings);
  return (
    <Paper p="sm" bg={turn.role === "assistant" ? undefined : "var(--app-canvas)"}>
      <Text size="xs" fw={600} c="dimmed" mb={4}>
        {t.roles[turn.role]}
      </Text>
      <TurnBody turn={turn} />
    </Paper>
  );
}

function TurnBody({ turn }: { turn: Turn }) {
  switch (turn.role) {
    case "user":
      return (
        <>
          <Said text={turn.text} />
          {turn.images.length > 0 && (
            <Group gap="xs" mt="xs">
              {turn.images.map((image) => (
                <Image
                  key={image.data.slice(-32)}
                  src={`data:${image.type};base64,${image.data}`}
                  alt={image.name}
                  h={64}
                  w="auto"
                  radius="sm"
                />
              ))}
            </Group>
          )}
        </>
      );
    case "assistant":
      return <Answer text={turn.text} reasoning={turn.reasoning ?? ""} calls={turn.calls} />;
    case "tool":
      return (
        <Stack gap={4}>
          {turn.results.map((result) => (
            <Text key={result.id} size="sm" className="app-break">
              <Code>{result.name}</Code> {result.text}
            </Text>
          ))}
        </Stack>
      );
  }
}

interface AnswerProps {
  text: string;
  reasoning: string;
  calls: readonly Call[];
}

export function Answer({ text, reasoning, calls }: AnswerProps) {
  const t = useStrings(strings);
  return (
    <Stack gap="xs">
      {reasoning !== "" && (
        <Paper p="xs" withBorder={false} bg="var(--app-canvas)">
          <Text size="xs" fw={600} c="dimmed">
            {t.thinking}
          </Text>
          <Text size="sm" c="dimmed" className="app-break" style={{ whiteSpace: "pre-wrap" }}>
            {reasoning}
          </Text>
        </Paper>
      )}
      {text !== "" && <Said text={text} />}
      {calls.map((call) => (
        <Paper key={call.id} p="xs">
          <Text size="sm" fw={600}>
            {t.calls(call.name)}
          </Text>
          <Code block className="app-break" style={{ whiteSpace: "pre-wrap" }}>
            {call.arguments}
          </Code>
        </Paper>
      ))}
    </Stack>
  );
}

function Said({ text }: { text: string }) {
  return (
    <Text size="sm" className="app-break" style={{ whiteSpace: "pre-wrap" }}>
      {text}
    </Text>
  );
}

