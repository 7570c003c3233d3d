/** The form's options as texts, as people write them, and what they mean. */

import type { Draft, Tool } from "./conversation";

export interface Options {
  system: string;
  tools: string;
  schema: string;
  longest: number | "";
  temperature: number | "";
  reasoning: boolean;
}

export const PLAIN: Options = { system: "", tools: "", schema: "", longest: "", temperature: "", reasoning: false };

export type Mistake = "badJson" | "notList" | "notObject";

export const TOOLS_EXAMPLE = JSON.stringify(
  [
    {
      name: "get_weather",
      description: "Tells the weather in a city.",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  ],
  null,
  2,
);

export const SCHEMA_EXAMPLE = JSON.stringify(
  {
    type: "object",
    properties: { name: { type: "string" }, age: { type: "integer" } },
    required: ["name", "age"],
    additionalProperties: false,
  },
  null,
  2,
);

export function mistakeInTools(text: string): Mistake | null {
  return text.trim() === "" ? null : mistakeIn(text, (value) => (isTools(value) ? null : "notList"));
}

export function mistakeInObject(text: string): Mistake | null {
  return text.trim() === "" ? null : mistakeIn(text, (value) => (isObject(value) ? null : "notObject"));
}

/** What is right of the options; what is not is left out. */
export function meaningOf(options: Options): Omit<Draft, "model" | "turns"> {
  const tools = valueOf(options.tools);
  const schema = valueOf(options.schema);
  return {
    system: options.system,
    tools: isTools(tools) ? tools : [],
    schema: isObject(schema) ? schema : null,
    longest: options.longest === "" ? null : options.longest,
    temperature: options.temperature === "" ? null : options.temperature,
    reasoning: options.reasoning,
  };
}

function mistakeIn(text: string, check: (value: unknown) => Mistake | null): Mistake | null {
  const value = valueOf(text);
  return value === undefined ? "badJson" : check(value);
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTools(value: unknown): value is Tool[] {
  return Array.isArray(value) && value.every((one) => isObject(one) && typeof one.name === "string");
}
