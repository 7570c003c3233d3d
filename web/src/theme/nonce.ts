/** The nonce of this document's content security policy, which every style element needs. It is read once, before anything else,
 * and taken out of the document. */

import { setNonce } from "get-nonce";

const element = document.querySelector('meta[name="csp-nonce"]');

export const NONCE = element?.getAttribute("content") ?? "";
element?.remove();
setNonce(NONCE);
