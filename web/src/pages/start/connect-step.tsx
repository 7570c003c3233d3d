import { Button, Stack, Tabs, Text } from "@mantine/core";
import { Link } from "wouter";

import { SERVER } from "#/api/place";
import { useClientKey } from "#/client/key";
import { useStrings } from "#/language/strings";
import { CodeBlock } from "#/pieces/code";
import { Section } from "#/pieces/section";

import { CLIENTS } from "./snippets";
import { strings } from "./strings";

export function ConnectStep() {
  const t = useStrings(strings);
  const key = useClientKey() || t.placeholder;
  return (
    <>
      <Section title={t.connectTitle}>
        <Text size="sm" c="dimmed" mb="sm">
          {t.connectText}
        </Text>
        <Tabs defaultValue={CLIENTS[0]?.name ?? null} keepMounted={false}>
          <Tabs.List mb="sm">
            {CLIENTS.map((client) => (
              <Tabs.Tab key={client.name} value={client.name}>
                {client.name}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {CLIENTS.map((client) => (
            <Tabs.Panel key={client.name} value={client.name}>
              <Stack gap="sm">
                {client.install !== undefined && <CodeBlock label={t.install} value={client.install} />}
                {client.snippets(SERVER, key).map(({ place, text }) => (
                  <CodeBlock key={text} label={place === "shell" ? t.shell : t.file(place.file)} value={text} />
                ))}
              </Stack>
            </Tabs.Panel>
          ))}
        </Tabs>
      </Section>
      <Section title={t.addProvider}>
        <Text size="sm" c="dimmed" mb="sm">
          {t.addProviderText}
        </Text>
        <Button component={Link} href="/providers" variant="default">
          {t.addProvider}
        </Button>
      </Section>
    </>
  );
}
