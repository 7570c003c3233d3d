/** A conversation in no protocol's words, and what a streamed answer is made of. */

export interface Image {
  /** Such as `image/png`. */
  type: string;
  /** Base64. */
  data: string;
  name: string;
}

export interface Call {
  id: string;
  name: string;
  /** JSON, as the model wrote it. */
  arguments: string;
}

export type Turn =
  | { role: "user"; text: string; images: readonly Image[] }
  | { role: "assistant"; text: string; calls: readonly Call[]; reasoning?: string }
  | { role: "tool"; results: readonly { id: string; name: string; text: string }[] };

export interface Tool {
  name: string;
  description?: string;
  /** A JSON schema. */
  parameters: Record<string, unknown>;
}

/** Everything that a request says. */
export interface Draft {
  model: string;
  system: string;
  turns: readonly Turn[];
  tools: readonly Tool[];
  /** The JSON schema that the answer has to fit. */
  schema: Record<string, unknown> | null;
  longest: number | null;
  temperature: number | null;
  reasoning: boolean;
}

/** A piece of a streamed answer. */
export type Piece =
  | { kind: "text" | "reasoning"; text: string }
  /** `place` tells calls apart; what is said of one is added up. */
  | { kind: "call"; place: string; id?: string | undefined; name?: string | undefined; arguments?: string | undefined }
  | { kind: "finish"; reason: string }
  | { kind: "usage"; input: number | null; output: number | null }
  | { kind: "error"; message: string };

/** What has come of an answer so far. */
export interface Reply {
  text: string;
  reasoning: string;
  calls: readonly (Call & { place: string })[];
  finish: string | null;
  input: number | null;
  output: number | null;
  error: string | null;
}

export const NOTHING: Reply = {
  text: "",
  reasoning: "",
  calls: [],
  finish: null,
  input: null,
  output: null,
  error: null,
};

/** The answer with one more piece. */
export function withPiece(reply: Reply, piece: Piece): Reply {
  switch (piece.kind) {
    case "text":
      return { ...reply, text: reply.text + piece.text };
    case "reasoning":
      return { ...reply, reasoning: reply.reasoning + piece.text };
    case "call":
      return { ...reply, calls: withCall(reply.calls, piece) };
    case "finish":
      return { ...reply, finish: piece.reason };
    case "usage":
      return { ...reply, input: piece.input ?? reply.input, output: piece.output ?? reply.output };
    case "error":
      return { ...reply, error: piece.message };
  }
}

function withCall(calls: Reply["calls"], piece: Extract<Piece, { kind: "call" }>): Reply["calls"] {
  const known = calls.find((call) => call.place === piece.place);
  const before = known ?? { place: piece.place, id: "", name: "", arguments: "" };
  const after = {
    place: piece.place,
    id: piece.id || before.id,
    name: piece.name || before.name,
    arguments: before.arguments + (piece.arguments ?? ""),
  };
  return known === undefined ? [...calls, after] : calls.map((call) => (call === known ? after : call));
}

/** A JSON text as a value; what is none stays a text. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
