/** What can be done with one account, beside changing its fields. */

import { Button, Group } from "@mantine/core";

import { call } from "#/api/client";
import { sent, type Version } from "#/editing/merge";
import { useStrings } from "#/language/strings";
import { reported, tell } from "#/pieces/report";

import { CHANGE, pathOf, useRenewal, type Account, type Accounts } from "./accounts";
import { useDeeds } from "./deeds";
import { strings } from "./strings";

interface Props {
  account: Account;
  all: Accounts;
  read: () => Promise<Version | null>;
  /** Whether something that is written in the panel has to stay. */
  kept: boolean;
  onClose: () => void;
}

export function AccountDeeds({ account, all, read, kept, onClose }: Props) {
  const t = useStrings(strings);
  const renew = useRenewal();
  const { dialogues, bulk } = useDeeds(onClose);
  const choice = { accounts: [account], revision: all.revision };
  const path = pathOf(account);
  const check = async () => {
    const { healthy, message } = await call("POST /api/providers/{provider_type}/{uuid}/health-check", { path });
    const words = healthy === true ? t.checked : healthy === null ? t.notChecked : t.failedCheck;
    tell(`${account.name}: ${words}. ${message}`, healthy === false ? "red" : "green");
  };
  const detect = async () => {
    const { models } = await call("POST /api/providers/{provider_type}/{uuid}/detect-models", { path, body: null });
    const base = (await read()) ?? { fields: account.fields, revision: null };
    await sent(base, read, (headers) => call(CHANGE, { path, body: { providerConfig: { supportedModels: models } }, headers }));
    tell(t.detected(models.length));
    if (!kept) onClose();
  };
  const run = async (work: Promise<unknown>) => {
    await reported(work);
    await renew();
  };
  return (
    <Group gap="xs" mt="xl">
      {dialogues}
      <Button size="xs" variant="default" onClick={() => void run(check())}>
        {t.check}
      </Button>
      <Button size="xs" variant="default" onClick={() => void run(detect())}>
        {t.detect}
      </Button>
      {account.state === "disabled" ? (
        <Button size="xs" variant="default" onClick={() => bulk.enable(choice)}>
          {t.enable}
        </Button>
      ) : (
        <Button size="xs" variant="default" onClick={() => bulk.disable(choice)}>
          {t.disable}
        </Button>
      )}
      <Button size="xs" variant="light" color="red" onClick={() => bulk.delete(choice)}>
        {t.remove}
      </Button>
    </Group>
  );
}
