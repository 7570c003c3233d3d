/** What was asked and answered: from the prompt log, where that is kept in a file; otherwise where it is, or why nowhere. */

import { Alert, Anchor, Button, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";

import { call } from "#/api/client";
import type { Body } from "#/api/types";
import { useStrings } from "#/language/strings";
import { CodeBlock } from "#/pieces/code";
import { Loaded } from "#/pieces/loaded";

import { strings } from "./strings";

export function Bodies({ id }: { id: string }) {
  const t = useStrings(strings);
  const [open, setOpen] = useState(false);
  const query = useQuery({ queryKey: ["config"], queryFn: ({ signal }) => call("GET /api/config", { signal }), staleTime: 60_000 });
  const mode = (query.data as Record<string, unknown> | undefined)?.["PROMPT_LOG_MODE"];
  if (mode !== "file") {
    return (
      <Text size="sm" c="dimmed">
        {mode === "console" ? t.bodiesConsole : t.bodiesOff}{" "}
        <Anchor component={Link} size="sm" href="/configuration?q=PROMPT_LOG">
          {t.toConfiguration}
        </Anchor>
      </Text>
    );
  }
  // What people write is nobody's business until somebody asks for it.
  if (open) return <Shown id={id} />;
  return (
    <Button variant="default" size="xs" onClick={() => setOpen(true)}>
      {t.showBodies}
    </Button>
  );
}

function Shown({ id }: { id: string }) {
  const t = useStrings(strings);
  const query = useQuery({
    queryKey: ["requests", "bodies", id],
    queryFn: ({ signal }) => call("GET /api/requests/{request_id}/bodies", { path: { request_id: id }, signal }),
    retry: false,
    gcTime: 0,
  });
  return (
    <Loaded query={query} height={160}>
      {({ prompt, answer }) => (
        <Stack gap="sm">
          <One label={t.prompt} body={prompt} />
          <One label={t.answer} body={answer} />
        </Stack>
      )}
    </Loaded>
  );
}

function One({ label, body }: { label: string; body: Body | null }) {
  const t = useStrings(strings);
  if (body === null) {
    return (
      <Text size="sm" c="dimmed">
        {label}: {t.noBody}
      </Text>
    );
  }
  return (
    <div>
      {typeof body.error === "string" && (
        <Alert color="red" mb="xs" className="app-break">
          {body.error}
        </Alert>
      )}
      <CodeBlock label={body.cut ? t.cut(label) : label} value={body.content ?? ""} height={320} />
    </div>
  );
}
