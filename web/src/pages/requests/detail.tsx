/** One request: what happened, what it used and cost, what its translation lost, and where its bodies are. */

import { Alert, Anchor, Badge, Group, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "wouter";

import { call } from "#/api/client";
import { SERVER_KEY, useNames } from "#/api/names";
import type { LossShown, RequestShown, RequestTold } from "#/api/types";
import { UNKNOWN, useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { CopyButton } from "#/pieces/copy";
import { Loaded } from "#/pieces/loaded";
import { SidePanel } from "#/pieces/side-panel";

import { Bodies } from "./bodies";
import { colorOf } from "./list";
import { strings } from "./strings";
import { Timeline } from "./timeline";

export function Detail({ id, onClose }: { id: string; onClose: () => void }) {
  const t = useStrings(strings);
  const query = useQuery({
    queryKey: ["requests", "one", id],
    queryFn: ({ signal }) => call("GET /api/requests/{request_id}", { path: { request_id: id }, signal }),
    staleTime: 60_000,
  });
  return (
    <SidePanel opened onClose={onClose} title={t.title} size="lg">
      <Loaded query={query} height={400}>
        {(told) => <Told told={told} />}
      </Loaded>
    </SidePanel>
  );
}

function Told({ told }: { told: RequestTold }) {
  const t = useStrings(strings);
  const { request, timeline, lost } = told;
  return (
    <>
      <Group gap="xs" mb="sm">
        <Badge color={colorOf(request)} size="lg">
          {request.status}
        </Badge>
        <Text fw={600} className="app-break">
          {request.model ?? UNKNOWN}
        </Text>
      </Group>
      {!request.complete && (
        <Alert color="yellow" mb="sm">
          {t.incomplete}
        </Alert>
      )}
      <Part title={t.timeline}>
        <Timeline steps={timeline} />
      </Part>
      <Part title={t.facts}>
        <Facts request={request} />
      </Part>
      <Part title={t.usage}>
        <Usage request={request} />
      </Part>
      <Part title={t.losses}>
        <Losses lost={lost} />
      </Part>
      <Part title={t.bodies}>
        <Bodies key={request.request_id} id={request.request_id} />
      </Part>
    </>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <>
      <Title order={3} size="h6" mt="md" mb={4}>
        {title}
      </Title>
      {children}
    </>
  );
}

function Rows({ rows }: { rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <Table layout="fixed" verticalSpacing={4}>
      <Table.Tbody>
        {rows.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th w="42%" fw={500} scope="row">
              {name}
            </Table.Th>
            <Table.Td className="app-break">{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Facts({ request }: { request: RequestShown }) {
  const t = useStrings(strings);
  const format = useFormat();
  const names = useNames();
  const { request_id: id, key, account, provider } = request;
  const only = (name: "key" | "account" | "provider", value: string | null, text: string | undefined) =>
    value === null ? null : (
      <Anchor component={Link} size="sm" href={`/requests?${new URLSearchParams({ [name]: value })}`}>
        {text ?? value}
      </Anchor>
    );
  return (
    <Rows
      rows={[
        [t.id, <Group key="id" gap={4} wrap="nowrap"><span className="app-mono app-break">{id}</span><CopyButton value={id} size="xs" /></Group>],
        [t.at, `${format.dateTime(request.at)} · ${format.utc(request.at)}`],
        [t.path, request.path ?? UNKNOWN],
        [t.protocol, request.protocol ?? UNKNOWN],
        [t.provider, only("provider", provider, undefined) ?? UNKNOWN],
        [t.account, only("account", account, account === null ? undefined : names.account.get(account)) ?? UNKNOWN],
        [t.key, only("key", key, key === SERVER_KEY ? t.ownKey : key === null ? undefined : names.key.get(key)) ?? UNKNOWN],
        [t.finish, request.finish ?? UNKNOWN],
        [t.duration, format.duration(request.duration_ms)],
        [t.firstOutput, format.duration(request.first_output_ms)],
        [t.bytesIn, format.bytes(request.bytes_in)],
        [t.bytesOut, format.bytes(request.bytes_out)],
      ]}
    />
  );
}

function Usage({ request }: { request: RequestShown }) {
  const t = useStrings(strings);
  const format = useFormat();
  return (
    <Rows
      rows={[
        [t.inputUncached, format.number(request.input_uncached)],
        [t.cacheRead, format.number(request.input_cache_read)],
        [t.cacheWrite, format.number(request.input_cache_write)],
        [t.inputTool, format.number(request.input_tool)],
        [t.outputText, format.number(request.output_text)],
        [t.reasoning, format.number(request.output_reasoning)],
        [t.cost, format.money(request.cost)],
      ]}
    />
  );
}

function Losses({ lost }: { lost: readonly LossShown[] }) {
  const t = useStrings(strings);
  if (lost.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t.noLosses}
      </Text>
    );
  }
  return (
    <Table layout="fixed" verticalSpacing={4}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t.field}</Table.Th>
          <Table.Th>{t.became}</Table.Th>
          <Table.Th>{t.why}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {lost.map((loss) => (
          <Table.Tr key={`${loss.path} ${loss.action} ${loss.reason}`}>
            <Table.Td className="app-mono app-break">{loss.path}</Table.Td>
            <Table.Td className="app-break">{loss.action}</Table.Td>
            <Table.Td className="app-break">{loss.reason}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
