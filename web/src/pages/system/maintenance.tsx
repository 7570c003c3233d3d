import { Alert, Button, Group, Loader, Stack, Text } from "@mantine/core";
import { IconDownload, IconRefresh, IconReload } from "@tabler/icons-react";

import { addressOf, call } from "#/api/client";
import { useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { useConfirmation } from "#/pieces/confirm";
import { reported, tell } from "#/pieces/report";
import { Section } from "#/pieces/section";

import { useRestart, type Progress } from "./restart";
import { strings } from "./strings";

export function Maintenance({ mode }: { mode: string }) {
  const t = useStrings(strings);
  const [confirmation, ask] = useConfirmation();
  const { progress, restart } = useRestart();
  const reload = async () => {
    const answer = await call("POST /api/reload-config");
    if (answer.success) tell(t.reloaded);
    else tell(answer.message, "yellow");
  };
  return (
    <Section title={t.actions}>
      {confirmation}
      <Stack gap="sm">
        <Group gap="sm">
          <Button
            variant="default"
            leftSection={<IconRefresh size={16} aria-hidden />}
            disabled={mode !== "worker"}
            loading={progress?.kind === "running"}
            onClick={() => ask({ title: t.restartTitle, text: t.restartText, action: t.restart, run: restart })}
          >
            {t.restart}
          </Button>
          <Button
            variant="default"
            leftSection={<IconReload size={16} aria-hidden />}
            onClick={() => void reported(reload())}
          >
            {t.reload}
          </Button>
          <Button
            component="a"
            href={addressOf("GET /api/system/download-log")}
            download
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden />}
          >
            {t.downloadLog}
          </Button>
        </Group>
        {mode !== "worker" && (
          <Text size="sm" c="dimmed">
            {t.restartHint}
          </Text>
        )}
        {progress !== null && <Restarting progress={progress} />}
      </Stack>
    </Section>
  );
}

function Restarting({ progress }: { progress: Progress }) {
  const t = useStrings(strings);
  const format = useFormat();
  switch (progress.kind) {
    case "running":
      return (
        <Group gap="xs" role="status">
          <Loader size="xs" aria-hidden />
          <Text size="sm">{t.restarting(format.number(progress.done), format.number(progress.all))}</Text>
        </Group>
      );
    case "done":
      return (
        <Alert color="green" role="status" p="xs">
          {t.restarted}
        </Alert>
      );
    case "slow":
      return (
        <Alert color="yellow" role="status" p="xs">
          {t.restartSlow}
        </Alert>
      );
  }
}
