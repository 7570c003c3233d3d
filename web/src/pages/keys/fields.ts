/** A key's limits as a form has them, and as the API takes them. */

import type { Body } from "#/api/client";
import type { KeyShown } from "#/api/types";
import type { Fields } from "#/editing/merge";

export type KeyFields = Body<"PUT /api/client-keys/{key_id}">;

export interface Form {
  name: string;
  enabled: boolean;
  /** As `<input type="datetime-local">` has it, in the browser's own time zone. */
  expires: string;
  requests: number | "";
  tokens: number | "";
  amount: number | "";
  period: "day" | "month";
  models: string[];
  providers: string[];
}

export function formOf(entry: KeyShown | null): Form {
  return {
    name: entry?.name ?? "",
    enabled: !(entry?.disabled ?? false),
    expires: localOf(entry?.expires),
    requests: entry?.requestsPerMinute ?? "",
    tokens: entry?.tokensPerMinute ?? "",
    amount: entry?.budget?.amount ?? "",
    period: entry?.budget?.period ?? "month",
    models: [...(entry?.models ?? [])],
    providers: [...(entry?.providers ?? [])],
  };
}

/** The form of fields as {@link fieldsOf} gives them. */
export function formIn(fields: Fields): Form {
  return formOf({ id: "", name: "", ...fields } as KeyShown);
}

/** What is empty is no limit. */
export function fieldsOf(form: Form): KeyFields & { name: string } {
  return {
    name: form.name.trim(),
    disabled: form.enabled ? null : true,
    expires: form.expires === "" ? null : new Date(form.expires).toISOString(),
    requestsPerMinute: form.requests === "" ? null : form.requests,
    tokensPerMinute: form.tokens === "" ? null : form.tokens,
    budget: form.amount === "" ? null : { amount: form.amount, period: form.period },
    models: form.models.length === 0 ? null : form.models,
    providers: form.providers.length === 0 ? null : form.providers,
  };
}

function localOf(moment: string | null | undefined): string {
  if (moment === null || moment === undefined) return "";
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
