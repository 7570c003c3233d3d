/** A login at Google for one of its types: the page in another tab, the address that could not be opened, or a file. */

import { Alert, Anchor, Button, FileButton, Select, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "#/api/client";
import { useEventListener } from "#/api/events";
import { useStrings } from "#/language/strings";
import { Failure } from "#/pieces/failure";
import { tell } from "#/pieces/report";
import { SidePanel } from "#/pieces/side-panel";

import { LOGINS, useRenewal } from "./accounts";
import { strings } from "./strings";

const DONE = ["oauth_success"];

export function LoginPanel({ onClose }: { onClose: () => void }) {
  const t = useStrings(strings);
  const renew = useRenewal();
  const [type, setType] = useState<string>(LOGINS[0]);
  const [address, setAddress] = useState("");
  const end = async (words: string) => {
    tell(words);
    await renew();
    onClose();
  };
  const begin = useMutation({
    mutationFn: () => call("POST /api/providers/{provider_type}/generate-auth-url", { path: { provider_type: type }, body: null }),
  });
  const finish = useMutation({
    mutationFn: () => call("POST /api/oauth/manual-callback", { body: { provider: type, callbackUrl: address.trim() } }),
    onSuccess: () => end(t.loginDone),
  });
  const upload = useMutation({
    mutationFn: async (file: File) => {
      const form = new FormData();
      form.set("provider", type);
      form.set("file", file);
      const { filePath } = await call("POST /api/upload-oauth-credentials", { body: form });
      await call("POST /api/quick-link-provider", { body: { filePath } });
    },
    onSuccess: () => end(t.uploaded),
  });
  useEventListener(DONE, (event) => {
    if (event.data.provider === type && begin.isSuccess && !finish.isSuccess) void end(t.loginDone);
  });
  const error = begin.error ?? finish.error ?? upload.error;
  const begun = begin.data;
  return (
    <SidePanel opened onClose={onClose} title={t.login}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t.loginText}
        </Text>
        {error !== null && <Failure error={error} />}
        <Select label={t.type} data={[...LOGINS]} value={type} allowDeselect={false} onChange={(value) => {
          setType(value ?? LOGINS[0]);
          begin.reset();
        }} />
        {begun === undefined ? (
          <Button loading={begin.isPending} onClick={() => begin.mutate()}>
            {t.loginStart}
          </Button>
        ) : (
          <>
            {begun.authInfo.warning !== null && <Alert color="yellow">{begun.authInfo.warning}</Alert>}
            {/^https?:\/\//.test(begun.authUrl) && (
              <Anchor href={begun.authUrl} target="_blank" rel="noopener noreferrer">
                {t.loginOpen}
              </Anchor>
            )}
            <form
              onSubmit={(event) => {
                event.preventDefault();
                finish.mutate();
              }}
            >
              <Stack gap="xs">
                <TextInput
                  label={t.loginPaste}
                  placeholder={`${begun.authInfo.redirectUri}/?code=…`}
                  value={address}
                  onChange={(event) => setAddress(event.currentTarget.value)}
                />
                <Button type="submit" variant="default" loading={finish.isPending} disabled={address.trim() === ""}>
                  {t.loginFinish}
                </Button>
              </Stack>
            </form>
          </>
        )}
        <FileButton accept="application/json,.json" onChange={(file) => file !== null && upload.mutate(file)}>
          {(props) => (
            <Button {...props} variant="default" loading={upload.isPending}>
              {t.upload}
            </Button>
          )}
        </FileButton>
      </Stack>
    </SidePanel>
  );
}
