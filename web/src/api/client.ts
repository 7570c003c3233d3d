/** Calls of the management API. The session is a cookie that scripts can't read, and the server takes it only from its own
 * pages; nothing about it is kept here. */

import { ROOT } from "#/api/place";
import { Problem, problemOf } from "#/api/problem";
import type { Operations } from "#/api/types";

export type Operation = keyof Operations;
export type Answer<O extends Operation> = Operations[O]["answer"];
export type Query<O extends Operation> = Operations[O]["query"];
export type Body<O extends Operation> = Operations[O]["body"];

type Named<Name extends string, T> = T extends undefined
  ? { [K in Name]?: undefined }
  : Record<string, never> extends T
    ? { [K in Name]?: T }
    : { [K in Name]: T };

export type Options<O extends Operation> = Named<"path", Operations[O]["path"]> &
  Named<"body", Body<O>> & { query?: Query<O>; headers?: Record<string, string>; signal?: AbortSignal };

type Arguments<O extends Operation> =
  Record<string, never> extends Options<O> ? [options?: Options<O>] : [options: Options<O>];

/** Whoever wants to know that the session has ended. */
const listeners = new Set<() => void>();

export function onSessionEnd(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Call an operation; throws a {@link Problem}. `call("GET /api/providers/{provider_type}", { path: { … } })` */
export async function call<O extends Operation>(operation: O, ...[options]: Arguments<O>): Promise<Answer<O>> {
  const response = await send(operation, options as Loose | undefined);
  const text = await response.text();
  try {
    return (text === "" ? undefined : JSON.parse(text)) as Answer<O>;
  } catch {
    return text as Answer<O>;
  }
}

/** The same with the answer as it came, for its headers (`ETag`) or its bytes. */
export async function request<O extends Operation>(operation: O, ...[options]: Arguments<O>): Promise<Response> {
  return send(operation, options as Loose | undefined);
}

/** The address of an operation, for links and downloads. */
export function addressOf(operation: string, path: object = {}, query: object = {}): string {
  const template = operation.slice(operation.indexOf(" ") + 2);
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = String((path as Record<string, unknown>)[name]);
    // The path of a file has slashes that are to stay.
    return name === "path" ? value.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(value);
  });
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  }
  return ROOT + filled + (search.size > 0 ? `?${search}` : "");
}

interface Loose {
  path?: object;
  query?: object;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

async function send(operation: string, options: Loose = {}): Promise<Response> {
  const { path, query, body, headers, signal } = options;
  const form = body instanceof FormData;
  let response: Response;
  try {
    response = await fetch(addressOf(operation, path, query), {
      method: operation.slice(0, operation.indexOf(" ")),
      headers: { ...(body !== undefined && !form ? { "content-type": "application/json" } : {}), ...headers },
      body: body === undefined ? null : form ? body : JSON.stringify(body),
      credentials: "same-origin",
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, error instanceof Error ? error.message : String(error));
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.status === 401 && operation !== "POST /api/login" && operation !== "POST /api/setup") {
    for (const listener of listeners) listener();
  }
  throw problem;
}
