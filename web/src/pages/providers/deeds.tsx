/** What is done with several accounts at once, or with all of a type. */

import { useState, type ReactNode } from "react";

import { call } from "#/api/client";
import type { BulkDone } from "#/api/types";
import { useStrings } from "#/language/strings";
import { useConfirmation } from "#/pieces/confirm";
import { Failures, type Failed } from "#/pieces/failures";
import { each, withProgress } from "#/pieces/progress";
import { reported, tell, tellProblem } from "#/pieces/report";
import { tellDeleted, tellWithUndo } from "#/pieces/undo";

import { pathOf, useRenewal, type Account } from "./accounts";
import { ChangedMeanwhile, inOneCall, type Action, type Choice } from "./bulk";
import { strings } from "./strings";

interface Deeds {
  /** Questions and failures; to be put into the page. */
  dialogues: ReactNode;
  bulk: Record<Action | "check", (choice: Choice) => void>;
  ofType: { check: (type: string) => void; reset: (type: string) => void };
}

/** Accounts that are tested at once. */
const TESTED_AT_ONCE = 4;

export function useDeeds(onDone: () => void): Deeds {
  const t = useStrings(strings);
  const renew = useRenewal();
  const [confirmation, ask] = useConfirmation();
  const [failed, setFailed] = useState<Failed | null>(null);
  const summed = (rows: Failed["rows"]) => {
    if (rows.length > 0) setFailed({ title: t.failedTitle(rows.length), rows });
  };

  const told = (action: Action, choice: Choice, done: BulkDone) => {
    const names = new Map(choice.accounts.map((one) => [one.uuid, one.name]));
    summed(done.failed.map(({ uuid, message }) => [names.get(uuid) ?? uuid, message]));
    if (done.doneCount === 0) return;
    const there = new Set(done.done.map((one) => one.uuid));
    const accounts = choice.accounts.filter((one) => there.has(one.uuid));
    switch (action) {
      case "enable":
        tell(t.switchedOn(done.doneCount));
        break;
      case "disable":
        tellWithUndo(t.switchedOff(done.doneCount), () => void run("enable", { accounts, revision: null }));
        break;
      case "delete":
        tellDeleted(t.removed(done.doneCount), done.undo, renew);
    }
  };
  const run = async (action: Action, choice: Choice): Promise<void> => {
    try {
      const done = await withProgress(t.working[action](choice.accounts.length), () => inOneCall(action, choice));
      told(action, choice, done);
      await renew();
      if (done.failed.length === 0) onDone();
    } catch (error) {
      await renew();
      if (!(error instanceof ChangedMeanwhile)) tellProblem(error);
      else {
        const { changed, now } = error;
        ask({
          title: t.changedMeanwhile,
          text: `${changed.slice(0, 10).join(", ")}${changed.length > 10 ? " …" : ""}. ${t.changedText}`,
          action: t.allTheSame,
          danger: action === "delete",
          // The question ends first: there may be another one.
          run: async () => void setTimeout(() => void run(action, now)),
        });
      }
    }
  };

  const check = async ({ accounts }: Choice) => {
    const bad: (readonly [string, string])[] = [];
    let good = 0;
    let count = 0;
    const one = async (account: Account, say: (text: string) => void) => {
      try {
        const { healthy, message } = await call("POST /api/providers/{provider_type}/{uuid}/health-check", { path: pathOf(account) });
        if (healthy === false) bad.push([account.name, message]);
        else good += 1;
      } catch (error) {
        bad.push([account.name, error instanceof Error ? error.message : String(error)]);
      }
      count += 1;
      say(t.testing(count, accounts.length));
    };
    const all = (say: (text: string) => void, signal: AbortSignal) => each(accounts, TESTED_AT_ONCE, signal, (account) => one(account, say));
    await withProgress(t.testing(0, accounts.length), all, true);
    tell(t.tested(good, bad.length), bad.length > 0 ? "yellow" : "green");
    summed(bad);
    await renew();
  };
  const done = async (work: Promise<unknown>) => {
    const well = await reported(work);
    await renew();
    if (well) onDone();
  };
  const checkType = async (type: string) => {
    const path = { provider_type: type };
    const work = () => call("POST /api/providers/{provider_type}/health-check", { path });
    const { successCount, failCount, results } = await withProgress(t.testingType(type), work);
    tell(t.tested(successCount, failCount), failCount > 0 ? "yellow" : "green");
    summed(results.filter((one) => one.success === false).map((one) => [one.uuid, one.message]));
  };
  const reset = async (type: string) => {
    const answer = await call("POST /api/providers/{provider_type}/reset-health", { path: { provider_type: type } });
    tell(t.reset(answer.resetCount));
  };
  return {
    dialogues: (
      <>
        {confirmation}
        {failed !== null && <Failures failed={failed} onClose={() => setFailed(null)} />}
      </>
    ),
    bulk: {
      enable: (choice) => void run("enable", choice),
      disable: ({ accounts, revision }) => {
        const on = accounts.filter((one) => one.state !== "disabled");
        if (on.length === 0) tell(t.alreadyOff);
        else void run("disable", { accounts: on, revision });
      },
      delete: (choice) => void run("delete", choice),
      check: (choice) => void check(choice),
    },
    ofType: { check: (type) => void done(checkType(type)), reset: (type) => void done(reset(type)) },
  };
}
