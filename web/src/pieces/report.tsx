/** Short messages in the corner: what was done, or what failed. */

import { Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";

import { Problem } from "#/api/problem";
import { stringsNow } from "#/language/strings";

import { strings } from "./strings";

/** What the button says that takes a message away. */
export function closing() {
  return { closeButtonProps: { "aria-label": stringsNow(strings).close } };
}

export function tell(message: string, color: "green" | "yellow" | "red" = "green"): void {
  notifications.show({ message, color, withBorder: true, ...closing() });
}

export function tellProblem(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const id = error instanceof Problem ? error.requestId : null;
  notifications.show({
    title: message,
    message: id === null ? null : <Text span size="xs" c="dimmed" className="app-mono">{id}</Text>,
    color: "red",
    withBorder: true,
    autoClose: 12_000,
    role: "alert",
    ...closing(),
  });
}

/** Wait for something; tell of its success where there are words for it, and of its failure. Whether it succeeded. */
export async function reported(work: Promise<unknown>, success?: string): Promise<boolean> {
  try {
    await work;
  } catch (error) {
    tellProblem(error);
    return false;
  }
  if (success !== undefined) tell(success);
  return true;
}

