import { Button, Code, Group, Stack, Text } from "@mantine/core";

import { useStrings } from "#/language/strings";
import { CopyButton } from "#/pieces/copy";
import { Dialogue } from "#/pieces/dialogue";

import { strings } from "./strings";

/** A key, for this once: a click beside it doesn't take it away. */
export function Secret({ value, onClose }: { value: string; onClose: () => void }) {
  const t = useStrings(strings);
  return (
    <Dialogue opened onClose={onClose} title={t.secretTitle} closeOnClickOutside={false} withCloseButton={false}>
      <Stack gap="sm">
        <Text size="sm">{t.secretText}</Text>
        <Group gap="xs" wrap="nowrap">
          <Code className="app-break" data-testid="client-key">
            {value}
          </Code>
          <CopyButton value={value} label={t.copy} />
        </Group>
        <Group justify="flex-end">
          <Button onClick={onClose} data-autofocus>
            {t.done}
          </Button>
        </Group>
      </Stack>
    </Dialogue>
  );
}
