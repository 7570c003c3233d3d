/** What went wrong with a call: the server's own words, and the id under which its log has it. */

export interface Detail {
  place: string | null;
  message: string;
}

export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    /** The HTTP status; 0 where there was no answer at all. */
    readonly status: number,
    message: string,
    readonly requestId: string | null = null,
    readonly details: readonly Detail[] = [],
    /** Seconds after which another attempt makes sense. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

/** The problem that an answer tells. */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => "");
  let message = `${response.status} ${response.statusText}`.trim();
  let details: Detail[] = [];
  try {
    const told = (JSON.parse(text) as { error?: { message?: string; details?: Detail[] } }).error;
    message = told?.message ?? message;
    details = told?.details ?? [];
  } catch {
    // Not the server's own form, such as a page of a reverse proxy: the status says enough.
  }
  const wait = Number(response.headers.get("retry-after"));
  return new Problem(
    response.status,
    message,
    response.headers.get("x-request-id"),
    details,
    Number.isFinite(wait) && wait > 0 ? wait : null,
  );
}
