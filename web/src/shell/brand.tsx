import { Group, Text } from "@mantine/core";

import icon from "#/theme/icon.svg";

export function Brand() {
  return (
    <Group gap="xs" wrap="nowrap">
      <img src={icon} alt="" width={24} height={24} />
      <Text fw={700} lts={0.5}>
        CODENEX
      </Text>
    </Group>
  );
}
