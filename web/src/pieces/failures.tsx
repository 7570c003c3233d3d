/** What of many things failed, and why. */

import { List, ScrollArea, Text } from "@mantine/core";

import { useStrings } from "#/language/strings";

import { Dialogue } from "./dialogue";
import { strings } from "./strings";

export interface Failed {
  title: string;
  /** Names with reasons. */
  rows: readonly (readonly [name: string, reason: string])[];
}

export function Failures({ failed, onClose }: { failed: Failed; onClose: () => void }) {
  const t = useStrings(strings);
  return (
    <Dialogue opened onClose={onClose} title={failed.title} size="lg" closeButtonProps={{ "aria-label": t.close }}>
      <ScrollArea.Autosize mah={420} type="auto" viewportProps={{ tabIndex: 0, role: "region", "aria-label": failed.title }}>
        <List size="sm">
          {failed.rows.map(([name, reason], index) => (
            // Two may have the same name.
            // oxlint-disable-next-line react/no-array-index-key
            <List.Item key={index} className="app-break">
              <b>{name}</b>: <Text span size="sm">{reason}</Text>
            </List.Item>
          ))}
        </List>
      </ScrollArea.Autosize>
    </Dialogue>
  );
}
