/** Client keys: which there are, what each may do and has used; making, changing and revoking them. */

import { Badge, Button, Progress, Text, UnstyledButton } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";

import { useEventListener } from "#/api/events";
import type { KeyShown } from "#/api/types";
import { useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { DataTable, type Column } from "#/pieces/data-table";
import { Empty } from "#/pieces/empty";
import { Loaded } from "#/pieces/loaded";
import { PageHeader } from "#/pieces/page-header";
import { Time, useNow } from "#/pieces/time";
import { strings as shell } from "#/shell/strings";

import { KeyDrawer } from "./key-drawer";
import { stateOf, useKeys, useUsageByKey, type KeyState } from "./queries";
import { Secret } from "./secret";
import { strings } from "./strings";

const COLORS: Record<KeyState, string> = { active: "green", disabled: "gray", expired: "yellow" };
const CHANGES = ["config_update"];

export default function KeysPage() {
  const t = useStrings(strings);
  const names = useStrings(shell);
  const query = useKeys();
  const [chosen, setChosen] = useState<KeyShown | "new" | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  useEventListener(CHANGES, () => void query.refetch());
  const create = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setChosen("new")}>
      {t.create}
    </Button>
  );
  return (
    <>
      <PageHeader title={names.pages.keys} text={t.text}>
        {create}
      </PageHeader>
      <Loaded query={query}>
        {(all) => (
          <>
            {all.keys.length === 0 ? (
              <Empty title={t.empty} text={t.emptyText}>
                {create}
              </Empty>
            ) : (
              <KeyTable keys={all.keys} onChoose={setChosen} />
            )}
            {chosen !== null && (
              <KeyDrawer
                key={chosen === "new" ? chosen : chosen.id}
                opened={chosen === "new" ? null : chosen}
                all={all}
                onClose={() => setChosen(null)}
                onSecret={(made) => {
                  setChosen(null);
                  setSecret(made);
                }}
              />
            )}
          </>
        )}
      </Loaded>
      {secret !== null && <Secret value={secret} onClose={() => setSecret(null)} />}
    </>
  );
}

function KeyTable({ keys, onChoose }: { keys: readonly KeyShown[]; onChoose: (key: KeyShown) => void }) {
  const t = useStrings(strings);
  const names = useStrings(shell);
  const format = useFormat();
  const now = useNow();
  const usage = useUsageByKey().data;
  const columns: Column<KeyShown>[] = [
    {
      key: "name",
      header: t.name,
      width: "minmax(120px, 1.4fr)",
      order: (key) => key.name,
      cell: (key) => (
        <UnstyledButton fz="sm" fw={600} className="app-clip" w="100%" aria-label={t.edit(key.name)} onClick={() => onChoose(key)}>
          {key.name}
        </UnstyledButton>
      ),
    },
    {
      key: "state",
      header: t.state,
      width: "96px",
      order: (key) => stateOf(key, now),
      cell: (key) => <Badge color={COLORS[stateOf(key, now)]}>{t.states[stateOf(key, now)]}</Badge>,
    },
    { key: "limits", header: t.limits, width: "minmax(140px, 1.2fr)", wideOnly: true, cell: (key) => <LimitsOf entry={key} /> },
    { key: "budget", header: t.budget, width: "minmax(170px, 1fr)", wideOnly: true, cell: (key) => <BudgetOf entry={key} /> },
    {
      key: "used",
      header: t.used,
      width: "minmax(84px, 110px)",
      align: "right",
      order: (key) => usage?.get(key.id)?.requests ?? 0,
      cell: (key) => format.number(usage?.get(key.id)?.requests ?? 0),
    },
    {
      key: "cost",
      header: t.cost,
      width: "96px",
      align: "right",
      wideOnly: true,
      order: (key) => usage?.get(key.id)?.cost ?? null,
      cell: (key) => format.money(usage?.get(key.id)?.cost),
    },
    {
      key: "lastUsed",
      header: t.lastUsed,
      width: "110px",
      wideOnly: true,
      order: (key) => usage?.get(key.id)?.lastUsed ?? null,
      cell: (key) => <Time at={usage?.get(key.id)?.lastUsed} />,
    },
    {
      key: "expires",
      header: t.expires,
      width: "110px",
      wideOnly: true,
      order: (key) => key.expires ?? null,
      cell: (key) => (key.expires === null || key.expires === undefined ? t.never : <Time at={key.expires} />),
    },
  ];
  return <DataTable label={names.pages.keys} columns={columns} rows={keys} rowKey={(key) => key.id} onRowClick={(key) => onChoose(key)} />;
}

function LimitsOf({ entry }: { entry: KeyShown }) {
  const t = useStrings(strings);
  const format = useFormat();
  const { requestsPerMinute, tokensPerMinute, models, providers } = entry;
  const parts: string[] = [];
  if (typeof requestsPerMinute === "number") parts.push(t.perMinute(format.compact(requestsPerMinute)));
  if (typeof tokensPerMinute === "number") parts.push(t.tokensPerMinute(format.compact(tokensPerMinute)));
  if (models) parts.push(t.someModels(format.number(models.length)));
  if (providers) parts.push(t.someProviders(format.number(providers.length)));
  return parts.length === 0 ? t.noLimits : parts.join(" · ");
}

function BudgetOf({ entry }: { entry: KeyShown }) {
  const t = useStrings(strings);
  const format = useFormat();
  if (!entry.budget) return t.noLimits;
  const share = (100 * (entry.spent ?? 0)) / entry.budget.amount;
  const text = t.budgetOf(format.money(entry.spent ?? 0), format.money(entry.budget.amount));
  return (
    <>
      <Text size="xs" className="app-clip">
        {text} {t.periods[entry.budget.period]}
      </Text>
      <Progress value={Math.min(100, share)} color={share >= 100 ? "red" : "ink"} size="xs" aria-label={text} />
    </>
  );
}
