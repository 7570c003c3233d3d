/** A page's title, what it is for in one sentence, and its main actions. */

import { Group, Text, Title } from "@mantine/core";
import { useEffect, type ReactNode } from "react";

interface Props {
  title: string;
  text?: ReactNode;
  /** Buttons, the most important one last. */
  children?: ReactNode;
}

export function PageHeader({ title, text, children }: Props) {
  useEffect(() => {
    document.title = `${title} · CODENEX`;
  }, [title]);
  return (
    <Group justify="space-between" align="flex-start" mb="md" gap="sm">
      <div style={{ flex: "1 1 260px" }}>
        <Title order={1} size="h3">
          {title}
        </Title>
        {text !== undefined && (
          <Text c="dimmed" size="sm" maw={720}>
            {text}
          </Text>
        )}
      </div>
      {children !== undefined && <Group gap="xs">{children}</Group>}
    </Group>
  );
}
