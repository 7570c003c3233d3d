import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";

import { closing } from "./report";

/** Say what was done and offer, for ten seconds, to take it back. */
export function tellWithUndo(message: string, label: string, undo: () => void): void {
  const id = `undo-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  notifications.show({
    id,
    color: "gray",
    withBorder: true,
    autoClose: 10_000,
    ...closing(),
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">{message}</Text>
        <Button
          size="xs"
          variant="default"
          onClick={() => {
            notifications.hide(id);
            undo();
          }}
        >
          {label}
        </Button>
      </Group>
    ),
  });
}
