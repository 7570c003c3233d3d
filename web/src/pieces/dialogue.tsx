/** A question or a form above everything else. */

import { Modal, type ModalProps } from "@mantine/core";

import { useUppermost } from "./layers";

export function Dialogue(props: ModalProps) {
  const uppermost = useUppermost(props.opened);
  return <Modal closeOnEscape={uppermost} {...props} />;
}
