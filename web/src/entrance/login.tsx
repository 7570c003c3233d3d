import { Alert, Button, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "#/api/client";
import { useSessionChange } from "#/api/session";
import { useStrings } from "#/language/strings";
import { Failure } from "#/pieces/failure";
import { SecretInput } from "#/pieces/secret-input";

import { Card } from "./card";
import { strings } from "./strings";

export function Login({ expired }: { expired: boolean }) {
  const t = useStrings(strings);
  const change = useSessionChange();
  const [password, setPassword] = useState("");
  const login = useMutation({
    mutationFn: () => call("POST /api/login", { body: { password } }),
    onSuccess: () => change("in"),
    onError: () => setPassword(""),
  });
  return (
    <Card title={t.loginTitle}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          login.mutate();
        }}
      >
        <Stack gap="sm">
          {expired && !login.isError && <Alert color="yellow">{t.expired}</Alert>}
          {login.isError && <Failure error={login.error} />}
          <SecretInput
            label={t.password}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            autoComplete="current-password"
            autoFocus
            required
            withAsterisk={false}
          />
          <Button type="submit" loading={login.isPending} disabled={password === ""}>
            {t.logIn}
          </Button>
          <Text size="xs" c="dimmed">
            {t.forgotten}
          </Text>
        </Stack>
      </form>
    </Card>
  );
}
