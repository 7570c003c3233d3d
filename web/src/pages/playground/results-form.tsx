/** The results of the tools that the model has called, written by hand. */

import { Button, Stack, Textarea } from "@mantine/core";
import { useState } from "react";

import { useStrings } from "#/language/strings";

import type { Call, Turn } from "./conversation";
import { strings } from "./strings";

interface Props {
  calls: readonly Call[];
  disabled: boolean;
  onSend: (turn: Turn) => void;
}

export function ResultsForm({ calls, disabled, onSend }: Props) {
  const t = useStrings(strings);
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({});
  const textOf = (call: Call) => texts[call.id] ?? '{"ok": true}';
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSend({
          role: "tool",
          results: calls.map((call) => ({ id: call.id, name: call.name, text: textOf(call) })),
        });
      }}
    >
      <Stack gap="xs">
        {calls.map((call) => (
          <Textarea
            key={call.id}
            label={t.result(call.name)}
            value={textOf(call)}
            classNames={{ input: "app-mono" }}
            autosize
            maxRows={8}
            onChange={(event) => setTexts({ ...texts, [call.id]: event.currentTarget.value })}
          />
        ))}
        <div>
          <Button type="submit" disabled={disabled} variant="light">
            {t.sendResults}
          </Button>
        </div>
      </Stack>
    </form>
  );
}
