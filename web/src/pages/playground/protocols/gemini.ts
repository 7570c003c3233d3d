/** Gemini generateContent. */

import { parsed, type Draft, type Piece, type Turn } from "../conversation";
import { dataOf, present, type Protocol } from "./protocol";

interface Part {
  text?: string;
  thought?: boolean;
  functionCall?: { id?: string; name: string; args?: unknown };
}

interface Data {
  candidates: { content?: { parts?: Part[] }; finishReason?: string }[];
  usageMetadata: { promptTokenCount?: number; candidatesTokenCount?: number; thoughtsTokenCount?: number };
  responseId: string;
  error: { message?: string };
}

function build(draft: Draft): Record<string, unknown> {
  return present({
    systemInstruction: draft.system === "" ? undefined : { parts: [{ text: draft.system }] },
    contents: draft.turns.map(content),
    tools:
      draft.tools.length === 0
        ? undefined
        : [
            {
              functionDeclarations: draft.tools.map(({ parameters, ...tool }) => ({
                ...tool,
                parametersJsonSchema: parameters,
              })),
            },
          ],
    generationConfig: configuration(draft),
  });
}

function configuration(draft: Draft): Record<string, unknown> | undefined {
  const found = present({
    responseMimeType: draft.schema === null ? undefined : "application/json",
    responseJsonSchema: draft.schema,
    maxOutputTokens: draft.longest,
    temperature: draft.temperature,
    thinkingConfig: draft.reasoning ? { includeThoughts: true } : undefined,
  });
  return Object.keys(found).length === 0 ? undefined : found;
}

function content(turn: Turn): Record<string, unknown> {
  switch (turn.role) {
    case "user":
      return {
        role: "user",
        parts: [
          { text: turn.text },
          ...turn.images.map((image) => ({ inlineData: { mimeType: image.type, data: image.data } })),
        ],
      };
    case "assistant":
      return {
        role: "model",
        parts: [
          ...(turn.text === "" ? [] : [{ text: turn.text }]),
          ...turn.calls.map((call) => ({
            functionCall: { id: call.id, name: call.name, args: parsed(call.arguments || "{}") },
          })),
        ],
      };
    case "tool":
      return {
        role: "user",
        parts: turn.results.map((result) => ({
          functionResponse: { id: result.id, name: result.name, response: { result: parsed(result.text) } },
        })),
      };
  }
}

let calls = 0;

function pieceOf(part: Part): Piece[] {
  if (part.functionCall !== undefined) {
    // Calls come whole, and each of them is another one, whatever its name is.
    calls += 1;
    const { id, name, args } = part.functionCall;
    return [{ kind: "call", place: `call-${calls}`, id: id ?? `call-${calls}`, name, arguments: JSON.stringify(args ?? {}) }];
  }
  if (part.text === undefined || part.text === "") return [];
  return [{ kind: part.thought === true ? "reasoning" : "text", text: part.text }];
}

export const gemini: Protocol = {
  name: "gemini",
  label: "Gemini",
  path: (model) => `v1beta/models/${encodeURIComponent(model).replaceAll("%2F", "/")}:streamGenerateContent?alt=sse`,
  build,
  read(event) {
    const { candidates = [], usageMetadata: usage, error } = dataOf<Data>(event);
    const pieces: Piece[] = [];
    if (error !== undefined) pieces.push({ kind: "error", message: error.message ?? event.data });
    for (const { content: said, finishReason } of candidates) {
      for (const part of said?.parts ?? []) pieces.push(...pieceOf(part));
      if (finishReason) pieces.push({ kind: "finish", reason: finishReason });
    }
    if (usage !== undefined) {
      const output = (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0);
      pieces.push({ kind: "usage", input: usage.promptTokenCount ?? null, output });
    }
    return pieces;
  },
};
