import type { ServerEvent } from "#/api/sse";

import type { Draft, Piece } from "../conversation";

export type ProtocolName = "openai-chat" | "openai-responses" | "anthropic" | "gemini";

/** How a client of one API asks, and how it reads what comes. */
export interface Protocol {
  name: ProtocolName;
  label: string;
  /** The path below the server's address, for a streamed answer. */
  path: (model: string) => string;
  headers?: Record<string, string>;
  build: (draft: Draft) => Record<string, unknown>;
  read: (event: ServerEvent) => Piece[];
}

/** The fields of an event's data; an empty object for what is no JSON, such as the end mark of OpenAI's streams. */
export function dataOf<T extends object>(event: ServerEvent): Partial<T> {
  try {
    const value: unknown = JSON.parse(event.data);
    return typeof value === "object" && value !== null ? (value as Partial<T>) : {};
  } catch {
    return {};
  }
}

/** The fields that are there, so that a request says nothing about the others. */
export function present(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}
