/** OpenAI Responses. */

import type { Draft, Piece, Turn } from "../conversation";
import { dataOf, present, type Protocol } from "./protocol";

interface Item {
  type: string;
  call_id?: string;
  name?: string;
}

interface Whole {
  status?: string;
  incomplete_details?: { reason?: string } | null;
  usage?: { input_tokens: number; output_tokens: number } | null;
  error?: { message?: string } | null;
}

interface Data {
  type: string;
  delta: string;
  output_index: number;
  item: Item;
  response: Whole;
  message: string;
  error: { message?: string };
}

function build(draft: Draft): Record<string, unknown> {
  const { schema } = draft;
  return present({
    model: draft.model,
    instructions: draft.system === "" ? undefined : draft.system,
    input: draft.turns.flatMap(items),
    tools: draft.tools.length === 0 ? undefined : draft.tools.map((tool) => ({ type: "function", strict: false, ...tool })),
    text: schema === null ? undefined : { format: { type: "json_schema", name: "answer", schema, strict: true } },
    max_output_tokens: draft.longest,
    temperature: draft.temperature,
    reasoning: draft.reasoning ? { effort: "medium", summary: "auto" } : undefined,
    store: false,
    stream: true,
  });
}

function items(turn: Turn): Record<string, unknown>[] {
  switch (turn.role) {
    case "user": {
      const images = turn.images.map((image) => ({
        type: "input_image",
        image_url: `data:${image.type};base64,${image.data}`,
      }));
      return [{ role: "user", content: [{ type: "input_text", text: turn.text }, ...images] }];
    }
    case "assistant": {
      const text = turn.text === "" ? [] : [{ role: "assistant", content: [{ type: "output_text", text: turn.text }] }];
      const calls = turn.calls.map((call) => ({
        type: "function_call",
        call_id: call.id,
        name: call.name,
        arguments: call.arguments,
      }));
      return [...text, ...calls];
    }
    case "tool":
      return turn.results.map((result) => ({ type: "function_call_output", call_id: result.id, output: result.text }));
  }
}

function end(whole: Whole, type: string): Piece[] {
  const pieces: Piece[] = [];
  if (whole.usage) pieces.push({ kind: "usage", input: whole.usage.input_tokens, output: whole.usage.output_tokens });
  if (type === "response.failed") pieces.push({ kind: "error", message: whole.error?.message ?? "failed" });
  else pieces.push({ kind: "finish", reason: whole.incomplete_details?.reason ?? whole.status ?? "" });
  return pieces;
}

export const responses: Protocol = {
  name: "openai-responses",
  label: "OpenAI Responses",
  path: () => "v1/responses",
  build,
  read(event) {
    const data = dataOf<Data>(event);
    const place = String(data.output_index ?? "");
    switch (data.type) {
      case "response.output_text.delta":
      case "response.refusal.delta":
        return [{ kind: "text", text: data.delta ?? "" }];
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_text.delta":
        return [{ kind: "reasoning", text: data.delta ?? "" }];
      case "response.output_item.added":
        return data.item?.type === "function_call"
          ? [{ kind: "call", place, id: data.item.call_id, name: data.item.name }]
          : [];
      case "response.function_call_arguments.delta":
        return [{ kind: "call", place, arguments: data.delta }];
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
        return data.response === undefined ? [] : end(data.response, data.type);
      case "error":
        return [{ kind: "error", message: data.message ?? data.error?.message ?? event.data }];
      default:
        return [];
    }
  },
};
