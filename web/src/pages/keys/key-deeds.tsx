/** What can be done with one key, beside changing its limits. */

import { Anchor, Button, Group, Stack } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "wouter";

import { call } from "#/api/client";
import type { KeyShown } from "#/api/types";
import { useStrings } from "#/language/strings";
import { useConfirmation } from "#/pieces/confirm";
import { reported } from "#/pieces/report";
import { tellDeleted, tellWithUndo } from "#/pieces/undo";

import { useKeyChange, versionIn, type Keys } from "./queries";
import { strings } from "./strings";

interface Props {
  entry: KeyShown;
  all: Keys;
  onClose: () => void;
  onSecret: (key: string) => void;
}

export function KeyDeeds({ entry, all, onClose, onSecret }: Props) {
  const t = useStrings(strings);
  const queries = useQueryClient();
  const change = useKeyChange();
  const [confirmation, ask] = useConfirmation();
  const renew = () => queries.invalidateQueries({ queryKey: ["client-keys"] });
  const turn = async (off: boolean) => {
    const base = versionIn(all, entry.id) ?? { fields: {}, revision: null };
    if (!(await reported(change(entry.id, base, { disabled: off })))) return;
    onClose();
    if (!off) return;
    tellWithUndo(t.turnedOff(entry.name), () => {
      const back = call("PUT /api/client-keys/{key_id}", { path: { key_id: entry.id }, body: { disabled: false } });
      void reported(back.then(renew));
    });
  };
  const remove = async () => {
    const { undo } = await call("DELETE /api/client-keys/{key_id}", { path });
    onClose();
    tellDeleted(t.removed(entry.name), undo, renew);
    await renew();
  };
  const path = { key_id: entry.id };
  return (
    <Stack gap="xs" mt="xl">
      {confirmation}
      <Group gap="xs">
        <Button size="xs" variant="default" onClick={() => void turn(!entry.disabled)}>
          {entry.disabled ? t.turnOn : t.turnOff}
        </Button>
        <Button
          size="xs"
          variant="default"
          onClick={() =>
            ask({
              title: t.replace,
              text: t.replaceText,
              action: t.replace,
              run: async () => {
                const made = await call("POST /api/client-keys/{key_id}/replace", { path });
                await renew();
                onSecret(made.key);
              },
            })
          }
        >
          {t.replace}
        </Button>
        <Button
          size="xs"
          color="red"
          variant="light"
          onClick={() => void reported(remove())}
        >
          {t.remove}
        </Button>
      </Group>
      <Anchor component={Link} href={`/requests?key=${encodeURIComponent(entry.id)}`} size="sm">
        {t.requests}
      </Anchor>
    </Stack>
  );
}
