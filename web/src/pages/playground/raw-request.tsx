/** The request as this client sends it; it can be edited, and then goes in place of the form. */

import { Button, Group, Stack, Textarea } from "@mantine/core";
import type { ReactNode } from "react";

import { SERVER } from "#/api/place";
import { useStrings } from "#/language/strings";
import { CodeBlock } from "#/pieces/code";

import { mistakeInObject } from "./options";
import type { Protocol } from "./protocols/protocol";
import { strings } from "./strings";

interface Props {
  protocol: Protocol;
  model: string;
  built: Record<string, unknown>;
  /** The edited text; null where the form says what is sent. */
  raw: string | null;
  onChange: (raw: string | null) => void;
  /** What sends the edited text. */
  children: ReactNode;
}

export function RawRequest({ protocol, model, built, raw, onChange, children }: Props) {
  const t = useStrings(strings);
  const line = `POST ${SERVER}/${protocol.path(model)}`;
  if (raw === null) {
    return (
      <Stack gap="sm">
        <CodeBlock label={line} value={built} />
        <div>
          <Button size="xs" variant="default" onClick={() => onChange(JSON.stringify(built, null, 2))}>
            {t.edit}
          </Button>
        </div>
      </Stack>
    );
  }
  const mistake = mistakeInObject(raw);
  return (
    <Stack gap="sm">
      <Textarea
        label={line}
        description={t.rawHelp}
        value={raw}
        error={mistake === null ? undefined : t[mistake]}
        onChange={(event) => onChange(event.currentTarget.value)}
        classNames={{ input: "app-mono", label: "app-break" }}
        spellCheck={false}
        autosize
        minRows={8}
        maxRows={30}
      />
      <Group gap="xs">
        <Button size="xs" variant="default" onClick={() => onChange(null)}>
          {t.form}
        </Button>
        {children}
      </Group>
    </Stack>
  );
}
