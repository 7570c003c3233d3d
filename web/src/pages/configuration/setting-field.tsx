/** One setting: what it is for, its value, where that comes from. */

import { Badge, Button, Group, NumberInput, Paper, Select, Stack, Switch, Text, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";

import { useStrings } from "#/language/strings";
import { SecretInput } from "#/pieces/secret-input";

import { UNREADABLE, writtenValue, type Setting } from "./settings";
import { strings } from "./strings";

interface Props {
  setting: Setting;
  /** The value that is to be stored; undefined where nothing was changed. */
  edited: unknown;
  onChange: (value: unknown) => void;
}

/** Sources that come after the file, so that a change of the file is in use. */
const BELOW = new Set(["default", "file"]);

export function SettingField({ setting, edited, onChange }: Props) {
  const t = useStrings(strings);
  const value = edited === undefined ? setting.value : edited;
  const source = t.sources[setting.source] ?? setting.source;
  return (
    <Paper p="sm" data-setting={setting.name}>
      <Stack gap={6}>
        <Input setting={setting} value={value} onChange={onChange} />
        <Group gap="xs">
          <Badge color={setting.source === "default" ? "gray" : "ink"} className="app-break">
            {t.source(source, setting.source === "file" ? "" : (setting.place ?? ""))}
          </Badge>
          {setting.atStart && <Text size="xs" c="dimmed">{t.atStart}</Text>}
          {setting.readOnly && <Text size="xs" c="dimmed">{t.readOnly}</Text>}
          <Text size="xs" c="dimmed" className="app-break">
            {t.standard(writtenValue(setting.default, t.noValue))}
          </Text>
          {!setting.readOnly && setting.stored !== null && setting.stored !== undefined && edited === undefined && (
            <Button size="compact-xs" variant="subtle" onClick={() => onChange(null)}>
              {t.reset}
            </Button>
          )}
        </Group>
        {edited !== undefined && !BELOW.has(setting.source) && (
          <Text size="xs" c="yellow">
            {t.overruled(source)}
          </Text>
        )}
      </Stack>
    </Paper>
  );
}

interface InputProps {
  setting: Setting;
  value: unknown;
  onChange: (value: unknown) => void;
}

function Input({ setting, value, onChange }: InputProps) {
  const common = {
    label: (
      <>
        {setting.title} <span className="app-mono">{setting.name}</span>
      </>
    ),
    description: setting.help,
    disabled: setting.readOnly,
  };
  const text = typeof value === "string" ? value : "";
  switch (setting.kind) {
    case "text":
      return <TextInput {...common} value={text} onChange={(event) => onChange(event.currentTarget.value || null)} />;
    case "secret":
      return <SecretInput {...common} value={text} autoComplete="off" onChange={(event) => onChange(event.currentTarget.value || null)} />;
    case "integer":
    case "number":
      return (
        <NumberInput
          {...common}
          value={typeof value === "number" ? value : ""}
          allowDecimal={setting.kind === "number"}
          min={setting.smallest ?? Number.MIN_SAFE_INTEGER}
          max={setting.largest ?? Number.MAX_SAFE_INTEGER}
          onChange={(changed) => onChange(typeof changed === "number" ? changed : null)}
        />
      );
    case "switch":
      return <Switch {...common} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />;
    case "choice":
      return <Select {...common} data={[...setting.choices]} value={text || null} clearable={setting.optional} onChange={onChange} />;
    case "json":
      return <JsonInput {...common} value={value} onChange={onChange} />;
  }
}

interface JsonProps {
  label: React.ReactNode;
  description: string;
  disabled: boolean;
  value: unknown;
  onChange: (value: unknown) => void;
}

function JsonInput({ value, onChange, ...common }: JsonProps) {
  const t = useStrings(strings);
  const [text, setText] = useState<string | null>(null);
  const shown = text ?? (value === null || value === undefined ? "" : JSON.stringify(value, null, 2));
  return (
    <Textarea
      {...common}
      value={shown}
      error={value === UNREADABLE ? t.badValue : undefined}
      classNames={{ input: "app-mono" }}
      spellCheck={false}
      autosize
      maxRows={14}
      onChange={(event) => {
        const written = event.currentTarget.value;
        setText(written);
        onChange(valueIn(written));
      }}
    />
  );
}

function valueIn(text: string): unknown {
  try {
    return text.trim() === "" ? null : JSON.parse(text);
  } catch {
    return UNREADABLE;
  }
}
