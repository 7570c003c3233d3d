/** Many accounts in one call: what is done to them names the revision in which they were chosen. */

import { call } from "#/api/client";
import type { BulkDone } from "#/api/types";
import { differences, ifMatch, isConflict } from "#/editing/merge";

import { readAccounts, versionIn, type Account } from "./accounts";

export type Action = "enable" | "disable" | "delete";

/** What was chosen, in the revision in which that was seen. */
export interface Choice {
  accounts: readonly Account[];
  revision: string | null;
}

/** Somebody else has changed some of what was chosen. */
export class ChangedMeanwhile extends Error {
  override readonly name = "ChangedMeanwhile";

  constructor(
    readonly changed: readonly string[],
    /** What is left of the choice, as it is now. */
    readonly now: Choice,
  ) {
    super(changed.join(", "));
  }
}

const ATTEMPTS = 4;

/** Raises {@link ChangedMeanwhile} where it isn't certain any more that the same is meant. */
export async function inOneCall(action: Action, { accounts, revision }: Choice): Promise<BulkDone> {
  const named = accounts.map(({ type, uuid }) => ({ providerType: type, uuid }));
  let seen = revision;
  for (let attempt = 1; ; attempt++) {
    try {
      // oxlint-disable-next-line no-await-in-loop
      return await call("POST /api/providers/bulk", { body: { action, accounts: named }, headers: ifMatch(seen) });
    } catch (error) {
      if (!isConflict(error) || attempt === ATTEMPTS) throw error;
      // oxlint-disable-next-line no-await-in-loop
      const all = await readAccounts();
      const changed = accounts.filter((one) => {
        const now = versionIn(all, one);
        return now === null || Object.keys(differences(one.fields, now.fields)).length > 0;
      });
      if (changed.length > 0) {
        const chosen = new Set(accounts.map((one) => one.uuid));
        const left = all.accounts.filter((one) => chosen.has(one.uuid));
        throw new ChangedMeanwhile(changed.map((one) => one.name), { accounts: left, revision: all.revision });
      }
      seen = all.revision;
    }
  }
}
