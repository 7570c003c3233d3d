/** One line for an event: its plain fields, the telling ones first. */

import type { LiveEvent } from "#/api/events";

const FIRST = ["action", "message", "provider", "providerType", "type", "name", "filePath", "model", "circuit", "reason", "error"];
const LEFT_OUT = new Set(["timestamp"]);
const LONGEST = 300;

export function summaryOf({ data }: LiveEvent): string {
  const names = [...FIRST.filter((name) => name in data), ...Object.keys(data).filter((name) => !FIRST.includes(name))];
  const parts = names
    .filter((name) => !LEFT_OUT.has(name))
    .map((name) => [name, written(data[name])] as const)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => (name === "action" || name === "message" ? value : `${name} ${value}`));
  return parts.join(" · ").slice(0, LONGEST);
}

function written(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(written).filter(Boolean).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
