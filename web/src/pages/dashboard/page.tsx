/** What goes on now, and how it went: figures, charts, accounts, and what failed last. */

import { ActionIcon, Alert, Button, Group, List, SegmentedControl, SimpleGrid, Text } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearchParams } from "wouter";

import { call } from "#/api/client";
import type { Dashboard } from "#/api/types";
import { useStrings } from "#/language/strings";
import { Empty } from "#/pieces/empty";
import { Loaded } from "#/pieces/loaded";
import { PageHeader } from "#/pieces/page-header";
import { strings as shell } from "#/shell/strings";

import { Charts } from "./charts";
import { Figures } from "./figures";
import { Health } from "./health";
import { LatestErrors } from "./latest-errors";
import { strings } from "./strings";
import { Top } from "./top";

const PERIODS = ["1", "6", "24", "168", "720"] as const;
type Period = (typeof PERIODS)[number];
/** Milliseconds between two looks. */
const PAUSE = 5000;

export default function DashboardPage() {
  const t = useStrings(strings);
  const names = useStrings(shell);
  const [search, setSearch] = useSearchParams();
  const [paused, setPaused] = useState(false);
  const period = periodOf(search.get("hours"));
  const query = useQuery({
    queryKey: ["dashboard", period],
    queryFn: ({ signal }) => call("GET /api/dashboard", { query: { hours: Number(period) }, signal }),
    refetchInterval: paused ? false : PAUSE,
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <PageHeader title={names.pages.dashboard} text={t.text}>
        <SegmentedControl
          size="xs"
          aria-label={t.period}
          value={period}
          onChange={(hours) => setSearch({ hours })}
          data={PERIODS.map((value) => ({ value, label: t.periods[value] }))}
        />
        <Group gap={6}>
          <ActionIcon
            variant="default"
            aria-label={paused ? t.resume : t.pause}
            title={paused ? t.resume : t.pause}
            onClick={() => setPaused(!paused)}
          >
            {paused ? <IconPlayerPlay size={16} aria-hidden /> : <IconPlayerPause size={16} aria-hidden />}
          </ActionIcon>
          <Text size="xs" c="dimmed" miw={48}>
            {paused ? t.paused : t.live}
          </Text>
        </Group>
      </PageHeader>
      <Loaded query={query} height={480}>
        {(data) => <Content data={data} />}
      </Loaded>
    </>
  );
}

function Content({ data }: { data: Dashboard }) {
  const t = useStrings(strings);
  return (
    <>
      {data.problems.length > 0 && (
        <Alert color="yellow" title={t.problems} mb="md">
          <List size="sm">
            {data.problems.map((problem) => (
              <List.Item key={problem} className="app-break">
                {problem}
              </List.Item>
            ))}
          </List>
        </Alert>
      )}
      <Figures data={data} />
      {data.total === null ? (
        <Empty title={t.emptyTitle} text={t.emptyText}>
          <Button component={Link} href="/start">
            {t.start}
          </Button>
        </Empty>
      ) : (
        <Charts data={data} />
      )}
      {data.accounts.total > 0 && <Health />}
      {data.total !== null && (
        <>
          <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
            <Top title={t.byModel} rows={data.byModel} filter="model" />
            <Top title={t.byProvider} rows={data.byProvider} filter="provider" />
          </SimpleGrid>
          <LatestErrors errors={data.errors} />
        </>
      )}
    </>
  );
}

function periodOf(text: string | null): Period {
  return PERIODS.find((period) => period === text) ?? "24";
}
