import { anthropic } from "./anthropic";
import { chat } from "./chat";
import { gemini } from "./gemini";
import type { Protocol, ProtocolName } from "./protocol";
import { responses } from "./responses";

export const PROTOCOLS: readonly Protocol[] = [chat, responses, anthropic, gemini];

export function protocolNamed(name: string | null): Protocol {
  return PROTOCOLS.find((protocol) => protocol.name === name) ?? chat;
}

export function labelOf(name: string): string {
  return PROTOCOLS.find((protocol) => protocol.name === (name as ProtocolName))?.label ?? name;
}
