/** The first run: the one-time token is exchanged for the admin password. */

import { Button, Stack, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";

import { call } from "#/api/client";
import { useSessionChange } from "#/api/session";
import { useStrings } from "#/language/strings";
import { Failure } from "#/pieces/failure";
import { SecretInput } from "#/pieces/secret-input";

import { Card } from "./card";
import { strings } from "./strings";

/** The server refuses shorter ones. */
const SHORTEST = 12;

export function Setup() {
  const t = useStrings(strings);
  const change = useSessionChange();
  const [, navigate] = useLocation();
  const [token, setToken] = useState("");
  const [password, setPassword] = useState("");
  const [repeated, setRepeated] = useState("");
  const [checked, setChecked] = useState(false);
  const setup = useMutation({
    mutationFn: () => call("POST /api/setup", { body: { token: token.trim(), password } }),
    onSuccess: () => {
      navigate("/start", { replace: true });
      change("in");
    },
  });
  const tooShort = password.length < SHORTEST;
  const differs = password !== repeated;
  return (
    <Card title={t.setupTitle} text={t.setupText}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setChecked(true);
          if (!tooShort && !differs) setup.mutate();
        }}
      >
        <Stack gap="sm">
          {setup.isError && <Failure error={setup.error} />}
          <TextInput
            label={t.token}
            description={t.tokenHelp}
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
            autoComplete="one-time-code"
            spellCheck={false}
            autoFocus
            required
            withAsterisk={false}
            classNames={{ input: "app-mono" }}
          />
          <SecretInput
            label={t.newPassword}
            description={t.passwordHelp(SHORTEST)}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            error={checked && tooShort ? t.tooShort(SHORTEST) : undefined}
            autoComplete="new-password"
            required
            withAsterisk={false}
          />
          <SecretInput
            label={t.repeat}
            value={repeated}
            onChange={(event) => setRepeated(event.currentTarget.value)}
            error={checked && differs ? t.different : undefined}
            autoComplete="new-password"
            required
            withAsterisk={false}
          />
          <Button type="submit" loading={setup.isPending}>
            {t.setUp}
          </Button>
        </Stack>
      </form>
    </Card>
  );
}
