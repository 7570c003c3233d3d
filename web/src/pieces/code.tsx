/** A text to be read or copied as it is: JSON, a command, a configuration. */

import { Group, Paper, ScrollArea, Text } from "@mantine/core";

import { CopyButton } from "./copy";

interface Props {
  /** A text, or a value that is shown as JSON. */
  value: unknown;
  /** What it is; also the name of the part that scrolls. */
  label: string;
  /** Its greatest height, in pixels. */
  height?: number;
  copy?: boolean;
}

export function CodeBlock({ value, label, height = 420, copy = true }: Props) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return (
    <Paper p={0} style={{ overflow: "hidden" }}>
      <Group justify="space-between" px="sm" py={4} wrap="nowrap" style={{ borderBottom: "1px solid var(--app-line)" }}>
        <Text size="xs" fw={600} c="dimmed" truncate>
          {label}
        </Text>
        {copy && <CopyButton value={text} size="sm" />}
      </Group>
      <ScrollArea.Autosize mah={height} type="auto" viewportProps={{ tabIndex: 0, role: "region", "aria-label": label }}>
        <pre className="app-mono" style={{ margin: 0, padding: "0.75rem", whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {text}
        </pre>
      </ScrollArea.Autosize>
    </Paper>
  );
}
