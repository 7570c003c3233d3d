/** A notice of what was done, with a way back. */

import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";

import { call } from "#/api/client";
import type { Undo } from "#/api/types";
import { stringsNow } from "#/language/strings";

import { closing, tell, tellProblem } from "./report";
import { strings } from "./strings";

/** How long the way back is offered, in milliseconds. The server keeps deletions longer than that. */
const OFFERED = 20_000;

/** Say what was done and offer to take it back. */
export function tellWithUndo(message: string, undo: () => void): void {
  const id = `undo-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  notifications.show({
    id,
    color: "gray",
    withBorder: true,
    autoClose: OFFERED,
    ...closing(),
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" className="app-break">
          {message}
        </Text>
        <Button
          size="xs"
          variant="default"
          onClick={() => {
            notifications.hide(id);
            undo();
          }}
        >
          {stringsNow(strings).undo}
        </Button>
      </Group>
    ),
  });
}

/** Say what was deleted; `undo` is the server's way back, null where there is none. `renew` reads again what is shown. */
export function tellDeleted(message: string, undo: Undo | null | undefined, renew: () => Promise<unknown>): void {
  if (undo === null || undo === undefined) {
    tell(message);
    return;
  }
  tellWithUndo(message, () => void restored(undo.id, renew));
}

async function restored(id: string, renew: () => Promise<unknown>): Promise<void> {
  const t = stringsNow(strings);
  try {
    const { skipped, restored: back } = await call("POST /api/undo/{undo_id}", { path: { undo_id: id } });
    const words = back.length === 1 ? t.restored(back[0] ?? "") : t.restoredMany(back.length);
    if (skipped.length === 0) tell(words);
    else tell([words, t.notRestored(skipped.length), ...skipped.slice(0, 5)].join(" "), "yellow");
  } catch (error) {
    tellProblem(error);
  }
  await renew();
}
