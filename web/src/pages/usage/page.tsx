/** What was used in a period: figures, charts, sums by what they are told apart by, and the quotas of accounts. The period
 * and what is looked at are in the address. */

import { Box, Button, CloseButton, Group, Paper, SegmentedControl, Text } from "@mantine/core";
import { Link } from "wouter";

import { useStrings } from "#/language/strings";
import { useAddressValues } from "#/pieces/address-values";
import { Empty } from "#/pieces/empty";
import { Loaded } from "#/pieces/loaded";
import { PageHeader } from "#/pieces/page-header";
import { strings as shell } from "#/shell/strings";

import { Charts } from "./charts";
import { Figures } from "./figures";
import { useNaming } from "./names";
import { DIMENSIONS, FILTERS, PERIODS, stepOf, useSums, type Dimension, type Filters, type Period } from "./queries";
import { Quotas } from "./quotas";
import { strings } from "./strings";
import { Sums } from "./sums";

export default function UsagePage() {
  const t = useStrings(strings);
  const names = useStrings(shell);
  const [search, change] = useAddressValues();
  const period: Period = PERIODS.find((one) => one === search.get("days")) ?? "30";
  const by: Dimension = DIMENSIONS.find((one) => one === search.get("by")) ?? "model";
  const filters: Filters = Object.fromEntries(
    FILTERS.flatMap((name) => {
      const value = search.get(name);
      return value === null || value === "" ? [] : [[name, value]];
    }),
  );
  const narrowed = Object.keys(filters).length > 0;
  const step = stepOf(period);
  const query = useSums(period === "1" ? "hour" : "day", period, filters);
  return (
    <>
      <PageHeader title={names.pages.usage} text={t.text}>
        <SegmentedControl
          size="xs"
          aria-label={t.period}
          value={period}
          onChange={(value) => change("days", value)}
          data={PERIODS.map((value) => ({ value, label: t.periods[value] }))}
        />
      </PageHeader>
      <Chosen filters={filters} onRemove={(name) => change(name, null)} />
      <Loaded query={query} height={480}>
        {(data) =>
          data.total === null ? (
            <Box mb="md">
              <Empty title={t.emptyTitle} text={narrowed ? t.noMatch : t.emptyText}>
                <Button component={Link} href="/start">
                  {t.start}
                </Button>
              </Empty>
            </Box>
          ) : (
            <>
              <Figures total={data.total} />
              <Charts data={data} step={step} />
              <Sums by={by} period={period} filters={filters} onBy={(value) => change("by", value)} onNarrow={change} />
            </>
          )
        }
      </Loaded>
      <Box mt={query.data === undefined ? "md" : 0}>
        <Quotas />
      </Box>
    </>
  );
}

function Chosen({ filters, onRemove }: { filters: Filters; onRemove: (name: string) => void }) {
  const t = useStrings(strings);
  const nameOf = useNaming();
  const chosen = FILTERS.flatMap((name) => {
    const value = filters[name];
    return value === undefined ? [] : [{ name, text: nameOf(name, value) }];
  });
  if (chosen.length === 0) return null;
  return (
    <Group gap="xs" mb="md">
      <Text size="sm" c="dimmed">
        {t.only}
      </Text>
      {chosen.map(({ name, text }) => (
        <Paper key={name} px="xs" py={2}>
          <Group gap={4} wrap="nowrap">
            <Text size="sm" className="app-break">
              {t.dimensions[name]}: {text}
            </Text>
            <CloseButton size="xs" aria-label={t.widen(text)} onClick={() => onRemove(name)} />
          </Group>
        </Paper>
      ))}
    </Group>
  );
}
