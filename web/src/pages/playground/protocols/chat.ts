/** OpenAI Chat Completions. */

import type { Draft, Piece, Turn } from "../conversation";
import { dataOf, present, type Protocol } from "./protocol";

interface Chunk {
  choices: {
    delta?: {
      content?: string | null;
      reasoning_content?: string | null;
      tool_calls?: { index: number; id?: string; function?: { name?: string; arguments?: string } }[];
    };
    finish_reason?: string | null;
  }[];
  usage: { prompt_tokens: number; completion_tokens: number } | null;
  error: { message?: string };
}

function build(draft: Draft): Record<string, unknown> {
  const { schema } = draft;
  return present({
    model: draft.model,
    messages: [...(draft.system === "" ? [] : [{ role: "system", content: draft.system }]), ...draft.turns.flatMap(messages)],
    tools: draft.tools.length === 0 ? undefined : draft.tools.map((tool) => ({ type: "function", function: tool })),
    response_format:
      schema === null ? undefined : { type: "json_schema", json_schema: { name: "answer", schema, strict: true } },
    max_completion_tokens: draft.longest,
    temperature: draft.temperature,
    reasoning_effort: draft.reasoning ? "medium" : undefined,
    stream: true,
    stream_options: { include_usage: true },
  });
}

function messages(turn: Turn): Record<string, unknown>[] {
  switch (turn.role) {
    case "user":
      return [{ role: "user", content: turn.images.length === 0 ? turn.text : parts(turn) }];
    case "assistant":
      return [
        present({
          role: "assistant",
          content: turn.text === "" && turn.calls.length > 0 ? undefined : turn.text,
          tool_calls:
            turn.calls.length === 0
              ? undefined
              : turn.calls.map((call) => ({
                  id: call.id,
                  type: "function",
                  function: { name: call.name, arguments: call.arguments },
                })),
        }),
      ];
    case "tool":
      return turn.results.map((result) => ({ role: "tool", tool_call_id: result.id, content: result.text }));
  }
}

function parts(turn: Extract<Turn, { role: "user" }>): Record<string, unknown>[] {
  return [
    { type: "text", text: turn.text },
    ...turn.images.map((image) => ({
      type: "image_url",
      image_url: { url: `data:${image.type};base64,${image.data}` },
    })),
  ];
}

export const chat: Protocol = {
  name: "openai-chat",
  label: "OpenAI Chat",
  path: () => "v1/chat/completions",
  build,
  read(event) {
    const { choices = [], usage, error } = dataOf<Chunk>(event);
    const pieces: Piece[] = [];
    if (error !== undefined) pieces.push({ kind: "error", message: error.message ?? event.data });
    for (const { delta, finish_reason } of choices) {
      if (delta?.reasoning_content) pieces.push({ kind: "reasoning", text: delta.reasoning_content });
      if (delta?.content) pieces.push({ kind: "text", text: delta.content });
      for (const call of delta?.tool_calls ?? []) {
        pieces.push({ kind: "call", place: String(call.index), id: call.id, ...call.function });
      }
      if (finish_reason) pieces.push({ kind: "finish", reason: finish_reason });
    }
    if (usage) pieces.push({ kind: "usage", input: usage.prompt_tokens, output: usage.completion_tokens });
    return pieces;
  },
};
