/** Appearance and language of this browser, and the way out. */

import { ActionIcon, Group, Menu, useMantineColorScheme, type MantineColorScheme } from "@mantine/core";
import { IconCheck, IconDeviceDesktop, IconLanguage, IconLogout, IconMoon, IconSun } from "@tabler/icons-react";

import { useLogout } from "#/api/session";
import { LANGUAGES, useLanguage, type Language } from "#/language/language";
import { useStrings } from "#/language/strings";
import { reported } from "#/pieces/report";

import { strings } from "./strings";

const SCHEMES = { light: IconSun, dark: IconMoon, auto: IconDeviceDesktop } as const;

export function Preferences({ loggedIn = false }: { loggedIn?: boolean }) {
  return (
    <Group gap="xs" wrap="nowrap">
      <Appearance />
      <LanguageMenu />
      {loggedIn && <LogOut />}
    </Group>
  );
}

function Appearance() {
  const t = useStrings(strings);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Current = SCHEMES[colorScheme];
  return (
    <Menu position="top-start" withinPortal withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label={t.appearance.label}>
          <Current size={18} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {(Object.keys(SCHEMES) as MantineColorScheme[]).map((scheme) => {
          const Symbol = SCHEMES[scheme];
          return (
            <Menu.Item
              key={scheme}
              leftSection={<Symbol size={16} stroke={1.6} />}
              rightSection={scheme === colorScheme ? <IconCheck size={16} /> : null}
              aria-current={scheme === colorScheme}
              onClick={() => setColorScheme(scheme)}
            >
              {t.appearance[scheme]}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}

function LanguageMenu() {
  const t = useStrings(strings);
  const { language, choose } = useLanguage();
  return (
    <Menu position="top-start" withinPortal withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label={t.language}>
          <IconLanguage size={18} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {(Object.keys(LANGUAGES) as Language[]).map((one) => (
          <Menu.Item
            key={one}
            lang={one}
            rightSection={one === language ? <IconCheck size={16} /> : null}
            aria-current={one === language}
            onClick={() => choose(one)}
          >
            {LANGUAGES[one]}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function LogOut() {
  const t = useStrings(strings);
  const logOut = useLogout();
  return (
    <ActionIcon variant="default" size="lg" aria-label={t.logOut} title={t.logOut} onClick={() => void reported(logOut())}>
      <IconLogout size={18} stroke={1.6} />
    </ActionIcon>
  );
}
