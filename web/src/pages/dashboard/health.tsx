/** All accounts at a glance, by provider type; by shape as well as by colour. */

import { Anchor, Group, Stack, Text, Tooltip, VisuallyHidden } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";

import { call } from "#/api/client";
import { useEventListener } from "#/api/events";
import type { PoolItem } from "#/api/types";
import { useStrings } from "#/language/strings";
import { Loaded } from "#/pieces/loaded";
import { Section } from "#/pieces/section";

import classes from "./health.module.css";
import { strings } from "./strings";

const CHANGES = ["provider_update", "config_update"];
/** Dots of one provider type at most; the rest is a number. */
const SHOWN = 60;

type State = "healthy" | "resting" | "disabled";

export function Health() {
  const t = useStrings(strings);
  const query = useQuery({
    queryKey: ["provider-health"],
    queryFn: ({ signal }) => call("GET /provider_health", { signal }),
    refetchInterval: 15_000,
  });
  useEventListener(CHANGES, () => void query.refetch());
  return (
    <Section
      title={t.health}
      actions={
        <Anchor component={Link} href="/providers" size="sm">
          {t.manage}
        </Anchor>
      }
    >
      <Loaded query={query} height={80}>
        {({ items }) => (
          <Stack gap="xs">
            {[...Map.groupBy(items, (item) => item.provider)].map(([provider, accounts]) => (
              <Strip key={provider} provider={provider} accounts={accounts} />
            ))}
          </Stack>
        )}
      </Loaded>
    </Section>
  );
}

function Strip({ provider, accounts }: { provider: string; accounts: readonly PoolItem[] }) {
  return (
    <Group gap="sm" wrap="wrap" role="group" aria-label={provider}>
      <Text size="sm" fw={600} w={190} className="app-break">
        {provider}
      </Text>
      <Group gap={5}>
        {accounts.slice(0, SHOWN).map((account) => (
          <Dot key={account.uuid} account={account} />
        ))}
        {accounts.length > SHOWN && <Text size="xs">+{accounts.length - SHOWN}</Text>}
      </Group>
    </Group>
  );
}

function Dot({ account }: { account: PoolItem }) {
  const t = useStrings(strings);
  const state: State = account.isDisabled ? "disabled" : account.isHealthy ? "healthy" : "resting";
  const name = account.customName ?? account.uuid;
  const reason = state === "resting" && account.lastErrorMessage !== null ? ` · ${account.lastErrorMessage}` : "";
  return (
    <Tooltip label={`${name}: ${t[state]}${reason}`} multiline maw={320}>
      <Link href="/providers" className={classes.dot} data-state={state}>
        <VisuallyHidden>
          {name}: {t[state]}
        </VisuallyHidden>
      </Link>
    </Tooltip>
  );
}
