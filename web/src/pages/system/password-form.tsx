import { Button, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "#/api/client";
import { useSessionChange } from "#/api/session";
import { useStrings } from "#/language/strings";
import { Failure } from "#/pieces/failure";
import { tell } from "#/pieces/report";
import { SecretInput } from "#/pieces/secret-input";
import { Section } from "#/pieces/section";

import { strings } from "./strings";

const SHORTEST = 12;

export function PasswordForm() {
  const t = useStrings(strings);
  const leave = useSessionChange();
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const [repeated, setRepeated] = useState("");
  const change = useMutation({
    mutationFn: () => call("POST /api/admin-password", { body: { current, password } }),
    onSuccess: () => {
      tell(t.changed);
      leave("out");
    },
  });
  const differs = repeated !== "" && password !== repeated;
  return (
    <Section title={t.password}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <Stack gap="sm" maw={420}>
          <Text size="sm" c="dimmed">
            {t.changeHelp}
          </Text>
          {change.isError && <Failure error={change.error} />}
          <SecretInput
            label={t.currentPassword}
            value={current}
            autoComplete="current-password"
            onChange={(event) => setCurrent(event.currentTarget.value)}
          />
          <SecretInput
            label={t.newPassword}
            value={password}
            autoComplete="new-password"
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <SecretInput
            label={t.repeat}
            value={repeated}
            autoComplete="new-password"
            error={differs ? t.different : undefined}
            onChange={(event) => setRepeated(event.currentTarget.value)}
          />
          <div>
            <Button
              type="submit"
              variant="default"
              loading={change.isPending}
              disabled={current === "" || password.length < SHORTEST || password !== repeated}
            >
              {t.change}
            </Button>
          </div>
        </Stack>
      </form>
    </Section>
  );
}
