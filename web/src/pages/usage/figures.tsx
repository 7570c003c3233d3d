import { SimpleGrid } from "@mantine/core";

import type { UsageSum } from "#/api/types";
import { useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { Stat } from "#/pieces/stat";

import { strings } from "./strings";

export function Figures({ total }: { total: UsageSum }) {
  const t = useStrings(strings);
  const format = useFormat();
  const { requests, errors, successRate, inputTokens, outputTokens, cachedTokens, cost } = total;
  const inAndOut = t.inAndOut(format.compact(inputTokens), format.compact(outputTokens));
  const share = format.percent(inputTokens === 0 ? null : cachedTokens / inputTokens);
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, md: 5 }} spacing="sm" mb="md">
      <Stat label={t.requests} value={format.number(requests)} note={t.failedOf(format.number(errors))} />
      <Stat label={t.success} value={format.percent(successRate)} />
      <Stat label={t.tokens} value={format.compact(inputTokens + outputTokens)} note={inAndOut} />
      <Stat label={t.cached} value={format.compact(cachedTokens)} note={t.cachedShare(share)} />
      <Stat label={t.cost} value={format.money(cost)} note={t.costNote} />
    </SimpleGrid>
  );
}
