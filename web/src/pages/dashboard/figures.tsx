import { SimpleGrid } from "@mantine/core";

import type { Dashboard } from "#/api/types";
import { useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { Stat } from "#/pieces/stat";

import { strings } from "./strings";

export function Figures({ data }: { data: Dashboard }) {
  const t = useStrings(strings);
  const format = useFormat();
  const { total, active, accounts } = data;
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm" mb="md">
      <Stat
        label={t.requests}
        value={format.number(total?.requests ?? 0)}
        note={t.perMinute(format.decimal(data.requestsPerMinute))}
      />
      <Stat
        label={t.success}
        value={format.percent(total?.successRate)}
        note={t.errorsOf(format.number(total?.errors ?? 0))}
      />
      <Stat
        label={t.latency}
        value={format.duration(total?.latencyMs?.p50)}
        note={t.p95(format.duration(total?.latencyMs?.p95))}
      />
      <Stat
        label={t.firstOutput}
        value={format.duration(total?.firstOutputMs?.p50)}
        note={t.p95(format.duration(total?.firstOutputMs?.p95))}
      />
      <Stat
        label={t.tokens}
        value={format.compact(total === null ? 0 : total.inputTokens + total.outputTokens)}
        note={t.inAndOut(format.compact(total?.inputTokens ?? 0), format.compact(total?.outputTokens ?? 0))}
      />
      <Stat label={t.cost} value={format.money(total?.cost)} note={t.costNote} />
      <Stat
        label={t.active}
        value={format.number(active.requests)}
        note={t.activeNote(format.number(active.connections), format.number(active.workers))}
      />
      <Stat
        label={t.accounts}
        value={accounts.total === 0 ? t.demo : `${format.number(accounts.healthy)} / ${format.number(accounts.total)}`}
        note={
          accounts.total === 0
            ? t.noAccounts
            : t.accountsNote(format.number(accounts.resting), format.number(accounts.disabled))
        }
      />
    </SimpleGrid>
  );
}
