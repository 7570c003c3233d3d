import { Button, Progress, Text } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";

import { call } from "#/api/client";
import { useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { DataTable, type Column } from "#/pieces/data-table";
import { Failure } from "#/pieces/failure";
import { Loaded } from "#/pieces/loaded";
import { Section } from "#/pieces/section";
import { Time } from "#/pieces/time";

import { useAccounts } from "./queries";
import { quotasOf, type Quota } from "./quota";
import { strings } from "./strings";

export function Quotas() {
  const t = useStrings(strings);
  const query = useAccounts();
  const queries = useQueryClient();
  const again = useMutation({
    mutationFn: () => call("GET /api/usage", { query: { refresh: true } }),
    onSuccess: (usage) => queries.setQueryData(["usage", "accounts"], usage),
  });
  return (
    <Section
      title={t.quotas}
      actions={
        <Button size="xs" variant="default" loading={again.isPending} leftSection={<IconRefresh size={14} aria-hidden />} onClick={() => again.mutate()}>
          {t.askAgain}
        </Button>
      }
    >
      <Text size="sm" c="dimmed" mb="sm">
        {t.quotasText}
      </Text>
      {again.isError && <Failure error={again.error} />}
      <Loaded query={query}>{(usage) => <QuotaTable rows={quotasOf(usage)} />}</Loaded>
    </Section>
  );
}

function QuotaTable({ rows }: { rows: readonly Quota[] }) {
  const t = useStrings(strings);
  const format = useFormat();
  if (rows.length === 0) return <Text size="sm">{t.noQuotas}</Text>;
  const columns: Column<Quota>[] = [
    { key: "account", header: t.dimensions.account, width: "minmax(100px, 1.4fr)", order: (row) => row.account, cell: (row) => row.account },
    { key: "provider", header: t.dimensions.provider, width: "minmax(100px, 1fr)", wideOnly: true, order: (row) => row.provider, cell: (row) => row.provider },
    { key: "limit", header: t.limit, width: "minmax(90px, 1.4fr)", order: (row) => row.label, cell: (row) => row.label },
    {
      key: "used",
      header: t.used,
      width: "minmax(90px, 1fr)",
      order: (row) => row.used,
      cell: (row) => (
        <>
          <Text size="xs">{row.used === null ? t.unknownShare : t.usedShare(format.percent(row.used))}</Text>
          {row.used !== null && (
            <Progress value={100 * row.used} size="xs" color={row.used > 0.9 ? "red" : row.used > 0.7 ? "yellow" : "ink"} aria-label={t.limitOf(row.account, row.label)} />
          )}
        </>
      ),
    },
    { key: "resets", header: t.resets, width: "120px", wideOnly: true, order: (row) => row.resetsAt, cell: (row) => <Time at={row.resetsAt} /> },
  ];
  return <DataTable label={t.quotas} columns={columns} rows={rows} rowKey={(row) => row.id} height={360} />;
}
