/** What stands where there is nothing: why, and what to do next. */

import { Code, Paper, Stack, Text, Title, type TitleOrder } from "@mantine/core";
import type { ReactNode } from "react";

interface Props {
  title: string;
  text?: ReactNode;
  /** A technical text, such as an error's own words. */
  detail?: string;
  heading?: TitleOrder;
  role?: "alert" | "status";
  /** What to do next: buttons or links. */
  children?: ReactNode;
}

export function Empty({ title, text, detail, heading = 2, role, children }: Props) {
  return (
    <Paper role={role} py="xl" px="md">
      <Stack align="center" gap="xs" ta="center">
        <Title order={heading} size="h4">
          {title}
        </Title>
        {text !== undefined && (
          <Text c="dimmed" maw={560}>
            {text}
          </Text>
        )}
        {detail !== undefined && (
          <Code className="app-break" maw="100%">
            {detail}
          </Code>
        )}
        {children !== undefined && <div style={{ marginTop: "0.5rem" }}>{children}</div>}
      </Stack>
    </Paper>
  );
}
