import { ActionIcon, Tooltip, VisuallyHidden, type ActionIconProps } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { IconCheck, IconCopy } from "@tabler/icons-react";

import { useStrings } from "#/language/strings";

import { strings } from "./strings";

interface Props {
  value: string;
  /** What it copies, where "copy" alone could mean several things. */
  label?: string;
  size?: ActionIconProps["size"];
}

export function CopyButton({ value, label, size = "md" }: Props) {
  const t = useStrings(strings);
  const { copied, copy } = useClipboard({ timeout: 1500 });
  const text = copied ? t.copied : (label ?? t.copy);
  return (
    <Tooltip label={text}>
      <ActionIcon variant="subtle" color="gray" size={size} aria-label={label ?? t.copy} onClick={() => copyText(value, copy)}>
        {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
        <VisuallyHidden role="status">{copied ? t.copied : ""}</VisuallyHidden>
      </ActionIcon>
    </Tooltip>
  );
}

/** Browsers lend the clipboard to secure addresses only; on others a selected text can be copied the old way. */
function copyText(value: string, copy: (value: string) => void): void {
  if (window.isSecureContext) {
    copy(value);
    return;
  }
  const area = document.createElement("textarea");
  area.value = value;
  area.style.position = "fixed";
  area.style.opacity = "0";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
  copy(value);
}
