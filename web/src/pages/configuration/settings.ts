/** The settings: their descriptions, their values with where each comes from, and the revision of the file. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { call, request } from "#/api/client";
import type { SettingExplained, SettingsExplained } from "#/api/types";
import type { Version } from "#/editing/merge";
import { useLanguage, type Language } from "#/language/language";

export type Kind = "text" | "secret" | "number" | "integer" | "switch" | "choice" | "json";

export interface Setting extends SettingExplained {
  name: string;
  title: string;
  help: string;
  group: string;
  kind: Kind;
  choices: readonly string[];
  smallest?: number | undefined;
  largest?: number | undefined;
  optional: boolean;
  atStart: boolean;
  readOnly: boolean;
}

export interface Configuration {
  settings: readonly Setting[];
  /** What `config.json` holds, secrets masked. */
  stored: Record<string, unknown>;
  problems: readonly string[];
  revision: string | null;
}

/** Stands for a value whose text is no JSON yet. */
export const UNREADABLE = Symbol("unreadable");

export function versionOf(configuration: Configuration): Version {
  return { fields: configuration.stored, revision: configuration.revision };
}

interface Schema {
  type?: string;
  enum?: string[];
  anyOf?: Schema[];
  $ref?: string;
  title?: string;
  description?: string;
  minimum?: number;
  maximum?: number;
  "x-group"?: string;
  /** The same words in Simplified Chinese. */
  "x-zh"?: { title?: string; description?: string; group?: string };
  "x-secret"?: boolean;
  "x-at-start"?: boolean;
  "x-read-only"?: boolean;
}

interface Document {
  properties: Record<string, Schema>;
  $defs?: Record<string, Schema>;
}

export function useConfiguration() {
  const { language } = useLanguage();
  return useQuery({
    queryKey: ["config", "explained", language],
    queryFn: async ({ signal }): Promise<Configuration> => {
      const [schema, answer] = await Promise.all([
        call("GET /api/config/schema", { signal }),
        request("GET /api/config", { query: { explain: true }, signal }),
      ]);
      const explained = (await answer.json()) as SettingsExplained;
      return configurationOf(schema as unknown as Document, explained, answer.headers.get("etag"), language);
    },
    // Another language changes words, and no field that is being edited.
    placeholderData: keepPreviousData,
  });
}

function configurationOf(document: Document, explained: SettingsExplained, revision: string | null, language: Language): Configuration {
  const settings = Object.entries(explained.settings).map(([name, told]) =>
    settingOf(name, document.properties[name] ?? {}, told, document, language),
  );
  const stored = Object.entries(explained.settings)
    .filter(([, told]) => told.stored !== null && told.stored !== undefined)
    .map(([name, told]) => [name, told.stored] as const);
  return {
    settings,
    stored: { ...Object.fromEntries(stored), ...explained.unknown },
    problems: explained.problems,
    revision,
  };
}

function settingOf(name: string, schema: Schema, told: SettingExplained, document: Document, language: Language): Setting {
  const options = (schema.anyOf ?? [schema]).map((one) => resolved(one, document));
  const plain = options.filter((one) => one.type !== "null");
  const shape: Schema = plain.length === 1 ? (plain[0] ?? {}) : {};
  const words = language === "zh" ? schema["x-zh"] : undefined;
  return {
    ...told,
    name,
    title: words?.title ?? schema.title ?? name,
    help: words?.description ?? schema.description ?? "",
    group: words?.group ?? schema["x-group"] ?? "",
    kind: kindOf(shape, schema["x-secret"] === true),
    choices: shape.enum ?? [],
    smallest: shape.minimum ?? schema.minimum,
    largest: shape.maximum ?? schema.maximum,
    optional: options.length > plain.length,
    atStart: schema["x-at-start"] === true,
    readOnly: schema["x-read-only"] === true,
  };
}

function resolved(schema: Schema, document: Document): Schema {
  const name = schema.$ref?.split("/").at(-1);
  return name === undefined ? schema : (document.$defs?.[name] ?? schema);
}

function kindOf(shape: Schema, secret: boolean): Kind {
  if (shape.enum !== undefined) return "choice";
  switch (shape.type) {
    case "string":
      return secret ? "secret" : "text";
    case "boolean":
      return "switch";
    case "integer":
    case "number":
      return shape.type;
    default:
      return "json";
  }
}

/** A value as people read it. */
export function writtenValue(value: unknown, none: string): string {
  if (value === null || value === undefined || value === "") return none;
  return typeof value === "string" ? value : JSON.stringify(value);
}
