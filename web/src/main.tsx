import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "#/theme/page.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { Application } from "#/application";

// A page that was opened before an upgrade asks for files that are gone: the new ones come with the document.
window.addEventListener("vite:preloadError", (event) => {
  const last = Number(sessionStorage.getItem("codenex.reloaded") ?? 0);
  if (Date.now() - last < 10_000) return;
  sessionStorage.setItem("codenex.reloaded", String(Date.now()));
  event.preventDefault();
  location.reload();
});

const root = document.getElementById("root");
if (root === null) throw new Error("the document has no root");
createRoot(root).render(
  <StrictMode>
    <Application />
  </StrictMode>,
);
