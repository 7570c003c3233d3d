/** A notice that stays while something goes on. */

import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";

import { stringsNow } from "#/language/strings";

import { closing } from "./report";
import { strings } from "./strings";

/** What is done sooner needs no notice. In milliseconds. */
const SOON = 400;

/** Say that something goes on, until it has ended. `work` may say how far it is, and gets a signal where it can be stopped. */
export async function withProgress<T>(
  message: string,
  work: (tell: (message: string) => void, signal: AbortSignal) => Promise<T>,
  stoppable = false,
): Promise<T> {
  const stop = new AbortController();
  const shown = (text: string) => ({
    loading: true,
    withBorder: true,
    autoClose: false as const,
    withCloseButton: !stoppable,
    ...closing(),
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">{text}</Text>
        {stoppable && (
          <Button size="xs" variant="default" onClick={() => stop.abort()}>
            {stringsNow(strings).stop}
          </Button>
        )}
      </Group>
    ),
  });
  let now = message;
  let id: string | null = null;
  const timer = setTimeout(() => {
    id = notifications.show(shown(now));
  }, SOON);
  const tell = (text: string) => {
    now = text;
    if (id !== null) notifications.update({ id, ...shown(text) });
  };
  try {
    return await work(tell, stop.signal);
  } finally {
    clearTimeout(timer);
    if (id !== null) notifications.hide(id);
  }
}

/** Do something with each of many, a few at once; stops beginning new ones at the signal. */
export async function each<T>(all: readonly T[], atOnce: number, signal: AbortSignal, work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const lane = async () => {
    for (let one = left.shift(); one !== undefined && !signal.aborted; one = left.shift()) {
      // oxlint-disable-next-line no-await-in-loop
      await work(one);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, lane));
}
