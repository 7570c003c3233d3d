/** What is done with several accounts at once, or with all of a type. */

import type { ReactNode } from "react";

import { call } from "#/api/client";
import { useStrings } from "#/language/strings";
import { useConfirmation } from "#/pieces/confirm";
import { reported, tell } from "#/pieces/report";
import { tellWithUndo } from "#/pieces/undo";

import { pathOf, useRenewal, type Account } from "./accounts";
import { strings } from "./strings";

type Bulk = (accounts: readonly Account[]) => void;

interface Deeds {
  confirmation: ReactNode;
  bulk: { enable: Bulk; disable: Bulk; remove: Bulk };
  ofType: { check: (type: string) => void; reset: (type: string) => void };
}

/** One after the other: each change is written to the same file. */
async function each(accounts: readonly Account[], work: (account: Account) => Promise<unknown>): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop
  for (const account of accounts) await work(account);
}

export function useDeeds(onDone: () => void): Deeds {
  const t = useStrings(strings);
  const renew = useRenewal();
  const [confirmation, ask] = useConfirmation();
  const enable = (account: Account) => call("POST /api/providers/{provider_type}/{uuid}/enable", { path: pathOf(account) });
  const disable = (account: Account) => call("POST /api/providers/{provider_type}/{uuid}/disable", { path: pathOf(account) });
  const done = async (work: Promise<unknown>, success?: string) => {
    const well = await reported(work, success);
    await renew();
    if (well) onDone();
    return well;
  };
  const check = async (type: string) => {
    const { successCount, failCount, results } = await call("POST /api/providers/{provider_type}/health-check", {
      path: { provider_type: type },
    });
    const bad = results.filter((one) => one.success === false).map((one) => one.message);
    tell([`${successCount} ${t.checked}, ${failCount} ${t.failedCheck}.`, ...bad.slice(0, 3)].join(" "), failCount > 0 ? "yellow" : "green");
  };
  const reset = async (type: string) => {
    const answer = await call("POST /api/providers/{provider_type}/reset-health", { path: { provider_type: type } });
    tell(t.reset(answer.resetCount));
  };
  return {
    confirmation,
    bulk: {
      enable: (accounts) => void done(each(accounts, enable), t.switchedOn(accounts.length)),
      disable: (accounts) => {
        const were = accounts.filter((one) => one.state !== "disabled");
        void done(each(were, disable)).then((well) => {
          if (well) tellWithUndo(t.switchedOff(were.length), t.undo, () => void done(each(were, enable), t.switchedOn(were.length)));
        });
      },
      remove: (accounts) =>
        ask({
          title: t.removeTitle(accounts.length),
          text: `${accounts.slice(0, 10).map((one) => one.name).join(", ")}${accounts.length > 10 ? " …" : ""}. ${t.removeText}`,
          action: t.remove,
          danger: true,
          run: async () => {
            await each(accounts, (one) => call("DELETE /api/providers/{provider_type}/{uuid}", { path: pathOf(one) }));
            tell(t.removed(accounts.length));
            await renew();
            onDone();
          },
        }),
    },
    ofType: { check: (type) => void done(check(type)), reset: (type) => void done(reset(type)) },
  };
}
