/** The accounts as the API tells them: what the file says, and how each is. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";

import { request } from "#/api/client";
import type { AllProviders } from "#/api/types";
import type { Version } from "#/editing/merge";

export interface Account {
  type: string;
  uuid: string;
  name: string;
  state: State;
  why: string | null;
  until: string | null;
  successRate: number | null;
  inFlight: number;
  lastUsed: string | null;
  /** The file that it is in; another source can't be changed here. */
  source: string;
  /** The file's own fields; secrets are masked. */
  fields: Record<string, unknown>;
}

export type State = "healthy" | "resting" | "login" | "disabled";
export const STATES: readonly State[] = ["healthy", "resting", "login", "disabled"];

/** Fields that tell how an account is, and are no part of the file that people write. */
const TOLD = new Set([
  "isHealthy", "lastErrorMessage", "lastErrorTime", "circuit", "scheduledRecoveryTime", "restingModels", "activeRequests",
  "usageCount", "errorCount", "successRate", "lastUsed", "source", "uuid", "needsRefresh", "needsLogin",
  "scheduledRecoveryTimes", "lastErrorStatusCode", "lastHealthCheckModel", "lastHealthCheckTime", "lastRefreshTime",
  "refreshCount", "waitingRequests", "_lastSelectionSeq",
]);

/** What each type calls its key and its address. */
export const NAMES: Readonly<Record<string, readonly [key: string, url: string]>> = {
  "openai-custom": ["OPENAI_API_KEY", "OPENAI_BASE_URL"],
  "openaiResponses-custom": ["OPENAI_API_KEY", "OPENAI_BASE_URL"],
  "claude-custom": ["CLAUDE_API_KEY", "CLAUDE_BASE_URL"],
  "gemini-custom": ["GEMINI_API_KEY", "GEMINI_API_BASE_URL"],
  "claudeCode-custom": ["CLAUDE_CODE_API_KEY", "CLAUDE_CODE_BASE_URL"],
};

/** Types whose accounts are logins. */
export const LOGINS = ["gemini-cli-oauth", "gemini-antigravity"] as const;

/** All accounts at one moment, with the revision of their file. */
export interface Accounts {
  accounts: readonly Account[];
  /** Types that accounts can be added to, and those that there are. */
  types: readonly string[];
  used: readonly string[];
  revision: string | null;
}

export const CHANGE = "PUT /api/providers/{provider_type}/{uuid}";

export function pathOf({ type, uuid }: Account) {
  return { provider_type: type, uuid };
}

/** The account as it can be edited; null where it is there no more. */
export function versionIn(all: Accounts, { type, uuid }: Account): Version | null {
  const found = all.accounts.find((one) => one.type === type && one.uuid === uuid);
  return found === undefined ? null : { fields: found.fields, revision: all.revision };
}

export async function readAccounts(signal?: AbortSignal): Promise<Accounts> {
  const answer = await request("GET /api/providers", signal === undefined ? {} : { signal });
  const { providers, supportedProviders } = (await answer.json()) as AllProviders;
  const revision = answer.headers.get("etag");
  return { accounts: accountsOf(providers), types: supportedProviders, used: Object.keys(providers), revision };
}

export function useAccounts() {
  return useQuery({ queryKey: ["providers", "accounts"], queryFn: ({ signal }) => readAccounts(signal), refetchInterval: 10_000 });
}

export function useRenewal(): () => Promise<void> {
  const queries = useQueryClient();
  return useCallback(async () => {
    const stale = ["providers", "provider-models", "provider-health"];
    await Promise.all(stale.map((key) => queries.invalidateQueries({ queryKey: [key] })));
  }, [queries]);
}

function accountsOf(providers: Readonly<Record<string, readonly Record<string, unknown>[]>>): Account[] {
  return Object.entries(providers).flatMap(([type, group]) => group.map((fields) => accountOf(type, fields)));
}

function accountOf(type: string, fields: Record<string, unknown>): Account {
  const uuid = String(fields.uuid);
  const login = fields.needsLogin === true || fields.needsRefresh === true;
  const state = fields.isDisabled === true ? "disabled" : login ? "login" : fields.isHealthy === false ? "resting" : "healthy";
  return {
    type,
    uuid,
    name: textOf(fields.customName) ?? uuid,
    state,
    why: textOf(fields.lastErrorMessage),
    until: textOf(fields.scheduledRecoveryTime),
    successRate: typeof fields.successRate === "number" ? fields.successRate : null,
    inFlight: typeof fields.activeRequests === "number" ? fields.activeRequests : 0,
    lastUsed: textOf(fields.lastUsed),
    source: textOf(fields.source) ?? "",
    fields: Object.fromEntries(Object.entries(fields).filter(([name]) => !TOLD.has(name))),
  };
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
