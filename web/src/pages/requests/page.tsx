/** The latest requests, live and filtered, and what happened in each of them. */

import { Badge, Button, Group, Text } from "@mantine/core";
import { IconDownload, IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { useCallback, useState } from "react";
import { Link } from "wouter";

import { addressOf } from "#/api/client";
import { useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { Empty } from "#/pieces/empty";
import { Loaded } from "#/pieces/loaded";
import { PageHeader } from "#/pieces/page-header";
import { strings as shell } from "#/shell/strings";

import { Detail } from "./detail";
import { FilterBar } from "./filter-bar";
import { useAddress } from "./filters";
import { useLatest } from "./latest";
import { RequestList } from "./list";
import { strings } from "./strings";

export default function RequestsPage() {
  const t = useStrings(strings);
  const names = useStrings(shell);
  const format = useFormat();
  const address = useAddress();
  const { filters, id, set } = address;
  const [live, setLive] = useState(true);
  const { rows, pages, error } = useLatest(filters, live);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = pages;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);
  const narrowed = Object.keys(filters).length > 0;
  const query = { data: pages.data === undefined ? undefined : rows, error, refetch: pages.refetch };
  return (
    <>
      <PageHeader title={names.pages.requests} text={t.text}>
        <Badge color={live ? (error === null ? "green" : "yellow") : "gray"} role="status">
          {live ? (error === null ? t.live : t.interrupted) : t.paused}
        </Badge>
        <Button
          size="xs"
          variant="default"
          leftSection={live ? <IconPlayerPause size={14} aria-hidden /> : <IconPlayerPlay size={14} aria-hidden />}
          onClick={() => setLive(!live)}
        >
          {live ? t.pause : t.resume}
        </Button>
        <Button
          component="a"
          size="xs"
          variant="default"
          href={addressOf("GET /api/requests", {}, { ...filters, format: "csv" })}
          download="requests.csv"
          leftSection={<IconDownload size={14} aria-hidden />}
        >
          {t.export}
        </Button>
      </PageHeader>
      <FilterBar address={address} />
      <Loaded query={query} height={480}>
        {(found) =>
          found.length > 0 ? (
            <>
              <RequestList rows={found} selected={id} onChoose={(row) => set("id", row.request_id)} onEnd={more} />
              <Group gap="sm" mt="xs">
                <Text size="sm" c="dimmed" data-testid="loaded">
                  {t.shown(format.number(found.length))}
                  {!hasNextPage && ` · ${t.all}`}
                </Text>
                {hasNextPage && (
                  <Button size="compact-sm" variant="subtle" loading={isFetchingNextPage} onClick={more}>
                    {t.more}
                  </Button>
                )}
              </Group>
            </>
          ) : narrowed ? (
            <Empty title={t.noMatch}>
              <Button variant="default" component={Link} href="/requests">
                {t.clear}
              </Button>
            </Empty>
          ) : (
            <Empty title={t.empty} text={t.emptyText}>
              <Button component={Link} href="/start">
                {t.start}
              </Button>
            </Empty>
          )
        }
      </Loaded>
      {id !== null && <Detail key={id} id={id} onClose={() => set("id", null)} />}
    </>
  );
}
