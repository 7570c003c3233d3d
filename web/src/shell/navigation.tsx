import { NavLink, Text } from "@mantine/core";
import { Link, useRoute } from "wouter";

import { useStrings } from "#/language/strings";
import { PAGES, type Group, type PageRow } from "#/pages/table";

import { strings } from "./strings";

const GROUPS: readonly Group[] = ["observe", "route", "connect", "system"];

export function Navigation({ onChosen }: { onChosen: () => void }) {
  const t = useStrings(strings);
  return GROUPS.map((group) => (
    <div key={group} role="group" aria-labelledby={`group-${group}`}>
      <Text id={`group-${group}`} size="xs" fw={600} c="dimmed" px="xs" mt="sm" mb={4}>
        {t.groups[group]}
      </Text>
      {PAGES.filter((page) => page.group === group).map((page) => (
        <Entry key={page.name} page={page} label={t.pages[page.name]} onChosen={onChosen} />
      ))}
    </div>
  ));
}

function Entry({ page, label, onChosen }: { page: PageRow; label: string; onChosen: () => void }) {
  const [active] = useRoute(`/${page.name}`);
  const Symbol = page.icon;
  return (
    <NavLink
      component={Link}
      href={`/${page.name}`}
      label={label}
      active={active}
      aria-current={active ? "page" : undefined}
      leftSection={<Symbol size={18} stroke={1.6} aria-hidden />}
      onClick={onChosen}
      py={6}
      px="xs"
      mb={2}
      style={{ borderRadius: "var(--mantine-radius-md)" }}
    />
  );
}
