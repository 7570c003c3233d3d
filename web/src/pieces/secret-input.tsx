/** A field for a password or a key, which can be looked at. */

import { PasswordInput, type PasswordInputProps } from "@mantine/core";

import { useStrings } from "#/language/strings";

import { strings } from "./strings";

export function SecretInput(props: PasswordInputProps) {
  const t = useStrings(strings);
  return <PasswordInput {...props} visibilityToggleButtonProps={{ "aria-label": t.reveal, tabIndex: 0 }} />;
}
