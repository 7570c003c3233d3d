/** The quotas of accounts, taken out of what the API tells about them, fullest first. */

import type { AccountUsage, AllUsage } from "#/api/types";

export interface Quota {
  /** Unique among all accounts. */
  id: string;
  provider: string;
  account: string;
  label: string;
  /** From 0 to 1; null where only the limit is known. */
  used: number | null;
  resetsAt: string | null;
}

export function quotasOf(usage: AllUsage): Quota[] {
  return Object.entries(usage.providers)
    .flatMap(([provider, type]) => type.instances.flatMap((account) => limitsOf(provider, account)))
    .toSorted((a, b) => (b.used ?? -1) - (a.used ?? -1));
}

function limitsOf(provider: string, account: AccountUsage): Quota[] {
  const items: unknown = account.usage?.["items"];
  if (!Array.isArray(items)) return [];
  return (items as Record<string, unknown>[]).map((item) => ({
    id: `${account.uuid}/${String(item["id"])}`,
    provider,
    account: account.name ?? account.uuid,
    label: String(item["label"]),
    used: typeof item["percent"] === "number" ? item["percent"] / 100 : null,
    resetsAt: typeof item["resetAt"] === "string" ? item["resetAt"] : null,
  }));
}
