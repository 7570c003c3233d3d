import { Alert, Button, Code, Group, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "#/api/client";
import { setClientKey, useClientKey } from "#/client/key";
import { useStrings } from "#/language/strings";
import { CopyButton } from "#/pieces/copy";
import { Failure } from "#/pieces/failure";
import { SecretInput } from "#/pieces/secret-input";
import { Section } from "#/pieces/section";

import { strings } from "./strings";

export function KeyStep() {
  const t = useStrings(strings);
  const queries = useQueryClient();
  const key = useClientKey();
  const [name, setName] = useState<string>(t.keyNameDefault);
  const make = useMutation({
    mutationFn: () => call("POST /api/client-keys", { body: { name: name.trim() } }),
    onSuccess: (made) => {
      setClientKey(made.key);
      void queries.invalidateQueries({ queryKey: ["client-keys"] });
    },
  });
  return (
    <Section title={t.keyTitle}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t.keyText}
        </Text>
        {make.data !== undefined && (
          <Alert color="green" title={t.made} role="status">
            <Stack gap="xs">
              <Group gap="xs" wrap="nowrap">
                <Code className="app-break" data-testid="client-key">
                  {make.data.key}
                </Code>
                <CopyButton value={make.data.key} label={t.copyKey} />
              </Group>
              <Text size="sm">{t.madeOnce}</Text>
            </Stack>
          </Alert>
        )}
        {make.isError && <Failure error={make.error} />}
        <form
          onSubmit={(event) => {
            event.preventDefault();
            make.mutate();
          }}
        >
          <Group align="flex-end" gap="sm">
            <TextInput
              label={t.keyName}
              value={name}
              maxLength={64}
              onChange={(event) => setName(event.currentTarget.value)}
              style={{ flex: "1 1 220px" }}
            />
            <Button
              type="submit"
              variant={make.data === undefined && key === "" ? "filled" : "default"}
              loading={make.isPending}
              disabled={name.trim() === ""}
            >
              {t.make}
            </Button>
          </Group>
        </form>
        {make.data === undefined && (
          <SecretInput
            label={t.own}
            description={t.ownHelp}
            value={key}
            autoComplete="off"
            onChange={(event) => setClientKey(event.currentTarget.value.trim())}
          />
        )}
      </Stack>
    </Section>
  );
}
