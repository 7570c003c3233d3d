/** The request as providers of each protocol would get it, with everything that is lost on the way. */

import { Badge, Code, Group, Stack, Table, Tabs, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { call } from "#/api/client";
import type { Loss, TranslationShown } from "#/api/types";
import { useStrings } from "#/language/strings";
import { CodeBlock } from "#/pieces/code";
import { Loaded } from "#/pieces/loaded";

import type { ProtocolName } from "./protocols/protocol";
import { labelOf } from "./protocols/table";
import { strings } from "./strings";

interface Props {
  from: ProtocolName;
  model: string;
  body: Record<string, unknown>;
}

export function Translations({ from, model, body }: Props) {
  const t = useStrings(strings);
  const [asked] = useDebouncedValue(JSON.stringify({ from, model, body }), 300);
  const query = useQuery({
    queryKey: ["translate", asked],
    queryFn: ({ signal }) => call("POST /api/translate", { body: JSON.parse(asked) as Props, signal }),
    placeholderData: keepPreviousData,
    retry: false,
  });
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        {t.translationsHelp}
      </Text>
      <Loaded query={query} height={240}>
        {({ translations }) => (
          <Tabs defaultValue={translations[0]?.protocol ?? null}>
            <Tabs.List mb="sm">
              {translations.map((one) => (
                <Tabs.Tab key={one.protocol} value={one.protocol} rightSection={<State shown={one} />}>
                  {labelOf(one.protocol)}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            {translations.map((one) => (
              <Tabs.Panel key={one.protocol} value={one.protocol}>
                <Translation shown={one} />
              </Tabs.Panel>
            ))}
          </Tabs>
        )}
      </Loaded>
    </Stack>
  );
}

function State({ shown }: { shown: TranslationShown }) {
  const t = useStrings(strings);
  if (shown.refusal !== null) return <Badge color="red">{t.refused}</Badge>;
  if (shown.losses.length === 0) return null;
  return <Badge color="yellow">{t.losses(shown.losses.length)}</Badge>;
}

function Translation({ shown }: { shown: TranslationShown }) {
  const t = useStrings(strings);
  return (
    <Stack gap="sm">
      <Group gap="xs">
        <Badge color="gray">{t.lanes[shown.lane] ?? shown.lane}</Badge>
        {shown.losses.length === 0 && shown.refusal === null && <Badge color="green">{t.lossless}</Badge>}
        <Code className="app-break">{shown.url}</Code>
      </Group>
      {shown.refusal !== null && (
        <Text size="sm" c="red" className="app-break">
          {shown.refusal.status}: {shown.refusal.message}
        </Text>
      )}
      {shown.losses.length > 0 && <Losses losses={shown.losses} />}
      {shown.refusal === null && <CodeBlock label={t.requestIn(labelOf(shown.protocol))} value={shown.body} height={360} />}
    </Stack>
  );
}

function Losses({ losses }: { losses: readonly Loss[] }) {
  const t = useStrings(strings);
  return (
    <Table.ScrollContainer minWidth={360} scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": t.lost } }}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t.lossPath}</Table.Th>
            <Table.Th>{t.lossAction}</Table.Th>
            <Table.Th>{t.lossReason}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {losses.map((loss) => (
            <Table.Tr key={`${loss.path}${loss.action}${loss.reason}`}>
              <Table.Td>
                <Code className="app-break">{loss.path}</Code>
              </Table.Td>
              <Table.Td>{loss.action}</Table.Td>
              <Table.Td>{loss.reason}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
