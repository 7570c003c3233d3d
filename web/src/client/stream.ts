/** A streamed call of a client API, as any client of this server would do it. */

import { ROOT } from "#/api/place";
import { Problem, problemOf } from "#/api/problem";
import { serverEvents, type ServerEvent } from "#/api/sse";

export interface StreamedCall {
  /** The path below the server's address, such as `v1/messages`. */
  path: string;
  key: string;
  headers?: Record<string, string>;
  body: unknown;
  signal: AbortSignal;
  /** Told when the head of the answer is here. */
  onHead?: (response: Response) => void;
}

/** Yield the events of a streamed answer; throws a {@link Problem} for one that is refused. */
export async function* streamed({ path, key, headers, body, signal, onHead }: StreamedCall): AsyncGenerator<ServerEvent> {
  let response: Response;
  try {
    response = await fetch(ROOT + path, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}`, ...headers },
      body: JSON.stringify(body),
      credentials: "omit",
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Problem(0, error instanceof Error ? error.message : String(error));
  }
  onHead?.(response);
  if (!response.ok) throw await problemOf(response);
  if (response.body !== null) yield* serverEvents(response.body);
}
