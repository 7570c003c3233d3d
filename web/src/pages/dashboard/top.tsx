/** What was used most, with the way to its requests. */

import { Anchor, Table } from "@mantine/core";
import { Link } from "wouter";

import type { UsageSum } from "#/api/types";
import { UNKNOWN, useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { Section } from "#/pieces/section";

import { strings } from "./strings";

interface Props {
  title: string;
  rows: readonly UsageSum[];
  filter: "model" | "provider";
}

export function Top({ title, rows, filter }: Props) {
  const t = useStrings(strings);
  const format = useFormat();
  return (
    <Section title={title}>
      <Table.ScrollContainer minWidth={440} scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": title } }}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t.name}</Table.Th>
              <Table.Th ta="right">{t.requests}</Table.Th>
              <Table.Th ta="right">{t.success}</Table.Th>
              <Table.Th ta="right">{t.tokens}</Table.Th>
              <Table.Th ta="right">{t.cost}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Table.Tr key={String(row.name)}>
                <Table.Td className="app-break" miw={130}>
                  {row.name === null || row.name === undefined ? (
                    UNKNOWN
                  ) : (
                    <Anchor component={Link} href={`/requests?${new URLSearchParams({ [filter]: String(row.name) })}`} size="sm">
                      {row.name}
                    </Anchor>
                  )}
                </Table.Td>
                <Table.Td ta="right">{format.number(row.requests)}</Table.Td>
                <Table.Td ta="right">{format.percent(row.successRate)}</Table.Td>
                <Table.Td ta="right">{format.compact(row.inputTokens + row.outputTokens)}</Table.Td>
                <Table.Td ta="right">{format.money(row.cost)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Section>
  );
}
