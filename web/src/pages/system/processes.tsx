import { Badge, Table } from "@mantine/core";

import type { ProcessShown } from "#/api/types";
import { useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { Section } from "#/pieces/section";

import { strings } from "./strings";

export function Processes({ processes }: { processes: readonly ProcessShown[] }) {
  const t = useStrings(strings);
  const format = useFormat();
  return (
    <Section title={t.processes}>
      <Table.ScrollContainer minWidth={720} scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": t.processes } }}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t.role}</Table.Th>
              <Table.Th>{t.state}</Table.Th>
              <Table.Th ta="right">{t.pid}</Table.Th>
              <Table.Th ta="right">{t.age}</Table.Th>
              <Table.Th ta="right">{t.memory}</Table.Th>
              <Table.Th ta="right">{t.cpu}</Table.Th>
              <Table.Th ta="right">{t.requests}</Table.Th>
              <Table.Th ta="right">{t.connections}</Table.Th>
              <Table.Th>{t.version}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {processes.map((process) => (
              <Table.Tr key={process.pid}>
                <Table.Td>{t.roles[process.role] ?? process.role}</Table.Td>
                <Table.Td miw={104}>
                  <Badge color={process.state === "serving" ? "green" : "yellow"}>
                    {t.states[process.state] ?? process.state}
                  </Badge>
                </Table.Td>
                <Table.Td ta="right">{process.pid}</Table.Td>
                <Table.Td ta="right">{format.duration(process.age * 1000)}</Table.Td>
                <Table.Td ta="right">{format.bytes(process.memoryBytes)}</Table.Td>
                <Table.Td ta="right">{format.duration(scaled(process.cpuSeconds))}</Table.Td>
                <Table.Td ta="right">{format.number(process.requests)}</Table.Td>
                <Table.Td ta="right">{format.number(process.connections)}</Table.Td>
                <Table.Td>{process.version}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Section>
  );
}

function scaled(seconds: number | null | undefined): number | null {
  return seconds === null || seconds === undefined ? null : seconds * 1000;
}
