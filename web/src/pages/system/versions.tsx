import { Code, Group, Text } from "@mantine/core";

import { useStrings } from "#/language/strings";
import { Section } from "#/pieces/section";

import { strings } from "./strings";

export function Versions({ versions }: { versions: Readonly<Record<string, string>> }) {
  const t = useStrings(strings);
  return (
    <Section title={t.versions}>
      <Group gap="xs">
        {Object.entries(versions).map(([name, version]) => (
          <Text key={name} size="sm" component="span">
            {name} <Code>{version}</Code>
          </Text>
        ))}
      </Group>
    </Section>
  );
}
