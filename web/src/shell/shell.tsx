/** The frame around all pages: navigation, appearance, language, and the page itself. */

import { Alert, AppShell, Burger, Center, Group, Loader, ScrollArea, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { lazy, Suspense, useEffect, useRef } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";

import { EventsProvider, useEvents } from "#/api/events";
import { useStrings } from "#/language/strings";
import { FIRST, PAGES } from "#/pages/table";

import { Boundary } from "./boundary";
import { Brand } from "./brand";
import { Navigation } from "./navigation";
import { NotFound } from "./not-found";
import { Preferences } from "./preferences";
import { strings } from "./strings";

const COMPONENTS = PAGES.map((page) => ({ name: page.name, Component: lazy(page.load) }));

export function Shell() {
  return (
    <EventsProvider>
      <Frame />
    </EventsProvider>
  );
}

function Frame() {
  const t = useStrings(strings);
  const [opened, { toggle, close }] = useDisclosure(false);
  const [path] = useLocation();
  const main = useRef<HTMLElement>(null);
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    close();
    // Whoever reads with the ears, or moves by keyboard, goes on where the new page begins.
    main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [path, close]);
  return (
    <AppShell
      header={{ height: { base: 52, sm: 0 } }}
      navbar={{ width: 224, breakpoint: "sm", collapsed: { mobile: !opened } }}
      padding={{ base: "sm", sm: "lg" }}
      layout="alt"
    >
      <a className="app-skip" href="#content" onClick={(event) => {
        event.preventDefault();
        main.current?.focus();
      }}>
        {t.skip}
      </a>
      <AppShell.Header hiddenFrom="sm" px="sm">
        <Group h="100%" justify="space-between" wrap="nowrap">
          <Brand />
          <Burger opened={opened} onClick={toggle} size="sm" aria-label={opened ? t.closeNavigation : t.openNavigation} aria-expanded={opened} />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label={t.navigation}>
        <AppShell.Section px="xs" py={4}>
          <Group justify="space-between" wrap="nowrap">
            <Brand />
            <Burger hiddenFrom="sm" opened onClick={close} size="sm" aria-label={t.closeNavigation} />
          </Group>
        </AppShell.Section>
        <AppShell.Section grow component={ScrollArea} mt="sm" type="auto">
          <Navigation onChosen={close} />
        </AppShell.Section>
        <AppShell.Section pt="sm">
          <Preferences loggedIn />
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="content" ref={main} tabIndex={-1} style={{ outline: "none" }}>
        <Interrupted />
        <Boundary key={path}>
          <Suspense fallback={<Waiting />}>
            <Pages />
          </Suspense>
        </Boundary>
      </AppShell.Main>
    </AppShell>
  );
}

function Pages() {
  return (
    <Switch>
      {COMPONENTS.map(({ name, Component }) => (
        <Route key={name} path={`/${name}`} component={Component} />
      ))}
      <Route path="/">
        <Redirect to={`/${FIRST}`} replace />
      </Route>
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}

function Waiting() {
  const t = useStrings(strings);
  return (
    <Center mih={240} role="status">
      <Loader type="dots" aria-hidden />
      <Text ml="sm" c="dimmed">
        {t.loading}
      </Text>
    </Center>
  );
}

/** The server restarts, or the network is gone: pages stay as they are, and say that they may be old. */
function Interrupted() {
  const t = useStrings(strings);
  const { connection } = useEvents();
  if (connection !== "waiting") return null;
  return (
    <Alert color="yellow" mb="md" p="xs" role="status">
      {t.disconnected}
    </Alert>
  );
}
