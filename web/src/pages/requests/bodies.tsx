import { Anchor, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";

import { call } from "#/api/client";
import { useStrings } from "#/language/strings";

import { strings } from "./strings";

/** Where prompts and answers are: nowhere, unless the prompt log is on. */
export function Bodies() {
  const t = useStrings(strings);
  const query = useQuery({ queryKey: ["config"], queryFn: ({ signal }) => call("GET /api/config", { signal }), staleTime: 60_000 });
  const mode = (query.data as Record<string, unknown> | undefined)?.["PROMPT_LOG_MODE"];
  const text = mode === "file" ? t.bodiesFile : mode === "console" ? t.bodiesConsole : t.bodiesOff;
  return (
    <Text size="sm" c="dimmed">
      {text}{" "}
      <Anchor component={Link} size="sm" href="/configuration">
        {t.toConfiguration}
      </Anchor>
    </Text>
  );
}
