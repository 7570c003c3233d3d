/** Something beside the page: one row's details, a form. It says how it is closed, also to those who don't see it. */

import { Drawer, type DrawerProps } from "@mantine/core";

import { useStrings } from "#/language/strings";

import { useUppermost } from "./layers";
import { strings } from "./strings";

export function SidePanel(props: DrawerProps) {
  const t = useStrings(strings);
  const uppermost = useUppermost(props.opened);
  return <Drawer position="right" closeOnEscape={uppermost} {...props} closeButtonProps={{ "aria-label": t.close }} />;
}
