/** Claude Messages. */

import { parsed, type Draft, type Piece, type Turn } from "../conversation";
import { dataOf, present, type Protocol } from "./protocol";

interface Usage {
  input_tokens?: number;
  output_tokens?: number;
}

interface Data {
  type: string;
  index: number;
  message: { usage?: Usage };
  content_block: { type: string; id?: string; name?: string };
  delta: { type?: string; text?: string; thinking?: string; partial_json?: string; stop_reason?: string | null };
  usage: Usage;
  error: { message?: string };
}

/** The API asks for a limit; this one is for those who don't set any. */
const LONGEST = 2048;
/** Tokens for thinking, the fewest that are taken. */
const THINKING = 1024;

function build(draft: Draft): Record<string, unknown> {
  return present({
    model: draft.model,
    max_tokens: Math.max(draft.longest ?? LONGEST, draft.reasoning ? THINKING + 1 : 1),
    system: draft.system === "" ? undefined : draft.system,
    messages: draft.turns.map(message),
    tools:
      draft.tools.length === 0
        ? undefined
        : draft.tools.map(({ parameters, ...tool }) => ({ ...tool, input_schema: parameters })),
    output_config: draft.schema === null ? undefined : { format: { type: "json_schema", schema: draft.schema } },
    thinking: draft.reasoning ? { type: "enabled", budget_tokens: THINKING } : undefined,
    temperature: draft.temperature,
    stream: true,
  });
}

function message(turn: Turn): Record<string, unknown> {
  switch (turn.role) {
    case "user":
      return {
        role: "user",
        content:
          turn.images.length === 0
            ? turn.text
            : [
                ...turn.images.map((image) => ({
                  type: "image",
                  source: { type: "base64", media_type: image.type, data: image.data },
                })),
                { type: "text", text: turn.text },
              ],
      };
    case "assistant":
      return {
        role: "assistant",
        content: [
          ...(turn.text === "" ? [] : [{ type: "text", text: turn.text }]),
          ...turn.calls.map((call) => ({
            type: "tool_use",
            id: call.id,
            name: call.name,
            input: parsed(call.arguments || "{}"),
          })),
        ],
      };
    case "tool":
      return {
        role: "user",
        content: turn.results.map((result) => ({ type: "tool_result", tool_use_id: result.id, content: result.text })),
      };
  }
}

function counted(usage: Usage | undefined): Piece[] {
  if (usage === undefined) return [];
  return [{ kind: "usage", input: usage.input_tokens ?? null, output: usage.output_tokens ?? null }];
}

export const anthropic: Protocol = {
  name: "anthropic",
  label: "Claude Messages",
  path: () => "v1/messages",
  headers: { "anthropic-version": "2023-06-01" },
  build,
  read(event) {
    const data = dataOf<Data>(event);
    const place = String(data.index ?? "");
    switch (data.type) {
      case "message_start":
        return counted(data.message?.usage);
      case "content_block_start":
        return data.content_block?.type === "tool_use"
          ? [{ kind: "call", place, id: data.content_block.id, name: data.content_block.name }]
          : [];
      case "content_block_delta":
        return deltaOf(data.delta, place);
      case "message_delta": {
        const reason = data.delta?.stop_reason;
        return [...counted(data.usage), ...(reason ? [{ kind: "finish", reason } as const] : [])];
      }
      case "error":
        return [{ kind: "error", message: data.error?.message ?? event.data }];
      default:
        return [];
    }
  },
};

function deltaOf(delta: Data["delta"] | undefined, place: string): Piece[] {
  switch (delta?.type) {
    case "text_delta":
      return [{ kind: "text", text: delta.text ?? "" }];
    case "thinking_delta":
      return [{ kind: "reasoning", text: delta.thinking ?? "" }];
    case "input_json_delta":
      return [{ kind: "call", place, arguments: delta.partial_json }];
    default:
      return [];
  }
}
