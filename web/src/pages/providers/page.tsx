/** Accounts: which there are and how they are; adding, changing, testing, switching and deleting them, alone or together. */

import { Button } from "@mantine/core";
import { IconBrandGoogle, IconPlus } from "@tabler/icons-react";
import { useState } from "react";

import { useEventListener } from "#/api/events";
import { useStrings } from "#/language/strings";
import { Empty } from "#/pieces/empty";
import { Loaded } from "#/pieces/loaded";
import { PageHeader } from "#/pieces/page-header";
import { strings as shell } from "#/shell/strings";

import { AccountPanel } from "./account-panel";
import { useAccounts, type Account } from "./accounts";
import { Chains } from "./chains";
import { AccountList } from "./list";
import { LoginPanel } from "./login-panel";
import { strings } from "./strings";

const CHANGES = ["config_update", "provider_update", "oauth_success"];

export default function ProvidersPage() {
  const t = useStrings(strings);
  const names = useStrings(shell);
  const query = useAccounts();
  const [panel, setPanel] = useState<Account | "new" | "login" | null>(null);
  useEventListener(CHANGES, () => void query.refetch());
  const add = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setPanel("new")}>
      {t.add}
    </Button>
  );
  return (
    <>
      <PageHeader title={names.pages.providers} text={t.text}>
        <Button variant="default" leftSection={<IconBrandGoogle size={16} aria-hidden />} onClick={() => setPanel("login")}>
          {t.login}
        </Button>
        {add}
      </PageHeader>
      <Loaded query={query} height={320}>
        {(all) => (
          <>
            {all.accounts.length === 0 ? (
              <Empty title={t.empty} text={t.emptyText}>
                {add}
              </Empty>
            ) : (
              <>
                <AccountList all={all} onChoose={setPanel} />
                <Chains types={all.types} used={all.used} />
              </>
            )}
            {panel === "login" && <LoginPanel onClose={() => setPanel(null)} />}
            {panel !== null && panel !== "login" && (
              <AccountPanel
                key={panel === "new" ? panel : panel.uuid}
                opened={panel === "new" ? null : panel}
                all={all}
                onClose={() => setPanel(null)}
              />
            )}
          </>
        )}
      </Loaded>
    </>
  );
}
