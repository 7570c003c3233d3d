import { Box, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useEffect, type ReactNode } from "react";

import { Brand } from "#/shell/brand";
import { Preferences } from "#/shell/preferences";

export function Card({ title, text, children }: { title: string; text?: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · CODENEX`;
  }, [title]);
  return (
    <Box component="main" mih="100vh" px="sm" py="xl">
      <Paper p={{ base: "md", sm: "xl" }} maw={440} mx="auto" mt={{ base: 0, sm: "8vh" }}>
        <Group justify="space-between" mb="lg">
          <Brand />
          <Preferences />
        </Group>
        <Stack gap="md">
          <div>
            <Title order={1} size="h3">
              {title}
            </Title>
            {text !== undefined && (
              <Text c="dimmed" size="sm" mt={4} className="app-break">
                {text}
              </Text>
            )}
          </div>
          {children}
        </Stack>
      </Paper>
    </Box>
  );
}
