import { Accordion, Button, Group, NumberInput, Stack, Switch, Textarea } from "@mantine/core";

import { useStrings } from "#/language/strings";

import { mistakeInObject, mistakeInTools, SCHEMA_EXAMPLE, TOOLS_EXAMPLE, type Options } from "./options";
import { strings } from "./strings";

interface Props {
  options: Options;
  onChange: (options: Options) => void;
}

export function OptionFields({ options, onChange }: Props) {
  const t = useStrings(strings);
  const change = (part: Partial<Options>) => onChange({ ...options, ...part });
  const toolsMistake = mistakeInTools(options.tools);
  const schemaMistake = mistakeInObject(options.schema);
  return (
    <Stack gap="sm">
      <Textarea
        label={t.system}
        value={options.system}
        onChange={(event) => change({ system: event.currentTarget.value })}
        autosize
        minRows={2}
        maxRows={8}
      />
      <Accordion variant="contained" chevronPosition="left">
        <Accordion.Item value="options">
          <Accordion.Control>{t.options}</Accordion.Control>
          <Accordion.Panel>
            <Stack gap="sm">
              <JsonField
                label={t.tools}
                description={t.toolsHelp}
                value={options.tools}
                error={toolsMistake === null ? undefined : t[toolsMistake]}
                onChange={(tools) => change({ tools })}
                example={t.toolsExample}
                exampleText={TOOLS_EXAMPLE}
              />
              <JsonField
                label={t.schema}
                value={options.schema}
                error={schemaMistake === null ? undefined : t[schemaMistake]}
                onChange={(schema) => change({ schema })}
                example={t.schemaExample}
                exampleText={SCHEMA_EXAMPLE}
              />
              <Group grow>
                <NumberInput
                  label={t.longest}
                  value={options.longest}
                  min={1}
                  max={1_000_000}
                  allowDecimal={false}
                  onChange={(value) => change({ longest: typeof value === "number" ? value : "" })}
                />
                <NumberInput
                  label={t.temperature}
                  value={options.temperature}
                  min={0}
                  max={2}
                  step={0.1}
                  onChange={(value) => change({ temperature: typeof value === "number" ? value : "" })}
                />
              </Group>
              <Switch
                label={t.reasoning}
                checked={options.reasoning}
                onChange={(event) => change({ reasoning: event.currentTarget.checked })}
              />
            </Stack>
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
    </Stack>
  );
}

interface JsonProps {
  label: string;
  description?: string;
  value: string;
  error: string | undefined;
  onChange: (value: string) => void;
  example: string;
  exampleText: string;
}

function JsonField({ label, description, value, error, onChange, example, exampleText }: JsonProps) {
  return (
    <div>
      <Textarea
        label={label}
        description={description}
        value={value}
        error={error}
        onChange={(event) => onChange(event.currentTarget.value)}
        classNames={{ input: "app-mono" }}
        spellCheck={false}
        autosize
        minRows={2}
        maxRows={14}
      />
      <Button mt={4} size="compact-xs" variant="default" onClick={() => onChange(exampleText)}>
        {example}
      </Button>
    </div>
  );
}
