import { Anchor, Badge, Group, Stack, Text } from "@mantine/core";
import { Link } from "wouter";

import type { RequestShown } from "#/api/types";
import { UNKNOWN } from "#/format/format";
import { useStrings } from "#/language/strings";
import { Section } from "#/pieces/section";
import { Time } from "#/pieces/time";

import { strings } from "./strings";

export function LatestErrors({ errors }: { errors: readonly RequestShown[] }) {
  const t = useStrings(strings);
  return (
    <Section title={t.latestErrors}>
      {errors.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t.noErrors}
        </Text>
      ) : (
        <Stack gap={6}>
          {errors.map((row) => (
            <Group key={row.request_id} gap="sm" wrap="wrap">
              <Badge color={row.status >= 500 ? "red" : "yellow"} miw={48}>
                {row.status}
              </Badge>
              <Anchor component={Link} href={`/requests?id=${encodeURIComponent(row.request_id)}`} size="sm">
                {row.error ?? row.request_id}
              </Anchor>
              <Text size="sm" c="dimmed" className="app-break">
                {row.model ?? UNKNOWN} · {row.provider ?? UNKNOWN}
              </Text>
              <Text size="xs" c="dimmed" ml="auto">
                <Time at={row.at} />
              </Text>
            </Group>
          ))}
        </Stack>
      )}
    </Section>
  );
}
