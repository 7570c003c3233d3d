import { Autocomplete, Button, Group, Paper, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { call } from "#/api/client";
import { useClientKey } from "#/client/key";
import { streamed } from "#/client/stream";
import { useStrings } from "#/language/strings";
import { Failure } from "#/pieces/failure";
import { Section } from "#/pieces/section";

import { strings } from "./strings";

interface Chunk {
  choices?: { delta?: { content?: string | null } }[];
  error?: { message?: string };
}

export function TryStep() {
  const t = useStrings(strings);
  const key = useClientKey();
  const providers = useQuery({
    queryKey: ["providers"],
    queryFn: ({ signal }) => call("GET /api/providers", { signal }),
  });
  const models = useQuery({
    queryKey: ["provider-models"],
    queryFn: ({ signal }) => call("GET /api/provider-models", { signal }),
  });
  const configured = Object.values(providers.data?.providers ?? {}).some((accounts) => accounts.length > 0);
  const names = [...new Set(Object.values(models.data ?? {}).flat())];
  const [model, setModel] = useState("auto");
  const [question, setQuestion] = useState<string>(t.questionDefault);
  const { text, provider, error, running, ask, stop } = useAnswer();
  return (
    <Section title={t.tryTitle}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void ask(key, model, question);
        }}
      >
        <Stack gap="sm">
          <Text size="sm" c="dimmed">
            {configured ? t.tryText : t.tryDemo}
          </Text>
          <Group align="flex-end" gap="sm">
            <Autocomplete label={t.model} value={model} onChange={setModel} data={["auto", ...names]} limit={50} w={220} />
            <TextInput
              label={t.question}
              value={question}
              onChange={(event) => setQuestion(event.currentTarget.value)}
              style={{ flex: "1 1 220px" }}
            />
            {running ? (
              <Button variant="default" onClick={stop}>
                {t.stop}
              </Button>
            ) : (
              <Button type="submit" disabled={key === "" || question.trim() === ""}>
                {t.send}
              </Button>
            )}
          </Group>
          {key === "" && (
            <Text size="sm" c="dimmed">
              {t.needsKey}
            </Text>
          )}
          {error !== null && <Failure error={error} />}
          {(text !== "" || running) && (
            <Paper aria-label={t.answer} role="region">
              <Text data-testid="answer" aria-live="polite" className="app-break" style={{ whiteSpace: "pre-wrap" }}>
                {text}
              </Text>
              {provider !== null && (
                <Text size="xs" c="dimmed" mt="xs">
                  {t.answeredBy(provider)}
                </Text>
              )}
            </Paper>
          )}
        </Stack>
      </form>
    </Section>
  );
}

/** One streamed answer of the OpenAI Chat API. */
function useAnswer() {
  const [text, setText] = useState("");
  const [provider, setProvider] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [running, setRunning] = useState(false);
  const stopping = useRef<AbortController | null>(null);
  useEffect(() => () => stopping.current?.abort(), []);

  const ask = async (key: string, model: string, question: string) => {
    const control = new AbortController();
    stopping.current = control;
    setText("");
    setProvider(null);
    setError(null);
    setRunning(true);
    try {
      const body = { model, stream: true, messages: [{ role: "user", content: question }] };
      const events = streamed({
        path: "v1/chat/completions",
        key,
        body,
        signal: control.signal,
        onHead: (response) => setProvider(response.headers.get("x-codenex-provider")),
      });
      for await (const { data } of events) {
        if (data === "[DONE]") break;
        const chunk = JSON.parse(data) as Chunk;
        if (chunk.error !== undefined) throw new Error(chunk.error.message ?? "");
        setText((before) => before + (chunk.choices?.[0]?.delta?.content ?? ""));
      }
    } catch (problem) {
      if (!control.signal.aborted) setError(problem);
    } finally {
      setRunning(false);
    }
  };
  return { text, provider, error, running, ask, stop: () => stopping.current?.abort() };
}
