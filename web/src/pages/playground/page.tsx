/** Ask as any client would, and look at everything that goes and comes. */

import { Button, Grid, Group, Paper, Stack, Tabs, Text } from "@mantine/core";
import { useState } from "react";
import { useSearchParams } from "wouter";

import { useClientKey } from "#/client/key";
import { useStrings } from "#/language/strings";
import { PageHeader } from "#/pieces/page-header";
import { Section } from "#/pieces/section";
import { strings as shell } from "#/shell/strings";

import { Composer } from "./composer";
import type { Turn } from "./conversation";
import { EventList } from "./event-list";
import { OptionFields } from "./option-fields";
import { meaningOf, mistakeInObject, mistakeInTools, PLAIN, type Options } from "./options";
import { Outcome } from "./outcome";
import { protocolNamed } from "./protocols/table";
import { RawRequest } from "./raw-request";
import { ResultsForm } from "./results-form";
import { useRun } from "./run";
import { strings } from "./strings";
import { TargetFields, type Target } from "./target-fields";
import { Translations } from "./translations";
import { Answer, Turns } from "./turns";

export default function PlaygroundPage() {
  const t = useStrings(strings);
  const names = useStrings(shell);
  const key = useClientKey();
  const [target, setTarget] = useTarget();
  const [options, setOptions] = useState<Options>(PLAIN);
  const [turns, setTurns] = useState<readonly Turn[]>([]);
  const [raw, setRaw] = useState<string | null>(null);
  const { run, start, stop, reset } = useRun();
  const protocol = protocolNamed(target.protocol);
  const model = target.model || "auto";
  const bodyOf = (said: readonly Turn[]) => protocol.build({ ...meaningOf(options), model, turns: said });
  const valid =
    raw === null ? mistakeInTools(options.tools) === null && mistakeInObject(options.schema) === null : mistakeInObject(raw) === null;
  const send = async (turn: Turn) => {
    const said = [...turns, turn];
    setTurns(said);
    const body: unknown = raw === null ? bodyOf(said) : JSON.parse(raw);
    const reply = await start({ protocol, key, provider: target.provider, model, body });
    if (reply !== null) {
      setTurns([...said, { role: "assistant", text: reply.text, calls: reply.calls, reasoning: reply.reasoning }]);
    }
  };
  const last = turns.at(-1);
  const built = turns.length > 0 ? bodyOf(turns) : bodyOf([{ role: "user", text: t.messagePlaceholder, images: [] }]);
  const shown = raw !== null && mistakeInObject(raw) === null ? (JSON.parse(raw) as Record<string, unknown>) : built;
  return (
    <>
      <PageHeader title={names.pages.playground} text={t.text} />
      <Grid gap="md">
        <Grid.Col span={{ base: 12, lg: 4 }}>
          <Paper>
            <Stack gap="sm">
              <TargetFields target={target} onChange={setTarget} />
              <OptionFields options={options} onChange={setOptions} />
            </Stack>
          </Paper>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 8 }}>
          <Section
            title={t.conversation}
            actions={
              turns.length > 0 &&
              !run.running && (
                <Group gap="xs">
                  <Button size="compact-xs" variant="default" onClick={() => setTurns(turns.slice(0, -1))}>
                    {t.removeLast}
                  </Button>
                  <Button
                    size="compact-xs"
                    variant="default"
                    onClick={() => {
                      setTurns([]);
                      reset();
                    }}
                  >
                    {t.clear}
                  </Button>
                </Group>
              )
            }
          >
            <Stack gap="sm">
              <Stack gap="sm" role="log" aria-label={t.conversation} aria-busy={run.running}>
                {turns.length === 0 && (
                  <Text size="sm" c="dimmed">
                    {t.emptyConversation}
                  </Text>
                )}
                <Turns turns={turns} />
                {run.running && (
                  <Paper p="sm">
                    {run.events.length === 0 ? (
                      <Text size="sm" c="dimmed">
                        {t.running}
                      </Text>
                    ) : (
                      <Answer text={run.reply.text} reasoning={run.reply.reasoning} calls={run.reply.calls} />
                    )}
                  </Paper>
                )}
              </Stack>
              <Outcome run={run} />
              {last?.role === "assistant" && last.calls.length > 0 && !run.running && (
                <ResultsForm calls={last.calls} disabled={key === ""} onSend={(turn) => void send(turn)} />
              )}
              <Composer
                disabled={key === "" || !valid || raw !== null}
                running={run.running}
                onSend={(turn) => void send(turn)}
                onStop={stop}
              />
            </Stack>
          </Section>
          <Section title={t.inspect}>
            <Tabs defaultValue="events" keepMounted={false}>
              <Tabs.List mb="sm">
                <Tabs.Tab value="events">{t.events}</Tabs.Tab>
                <Tabs.Tab value="request">{t.request}</Tabs.Tab>
                <Tabs.Tab value="translations">{t.translations}</Tabs.Tab>
              </Tabs.List>
              <Tabs.Panel value="events">
                <EventList events={run.events} />
              </Tabs.Panel>
              <Tabs.Panel value="request">
                <RawRequest protocol={protocol} model={model} built={built} raw={raw} onChange={setRaw}>
                  <Button
                    size="xs"
                    disabled={key === "" || !valid || run.running}
                    onClick={() => void send({ role: "user", text: t.rawTurn, images: [] })}
                  >
                    {t.send}
                  </Button>
                </RawRequest>
              </Tabs.Panel>
              <Tabs.Panel value="translations">
                <Translations from={protocol.name} model={model} body={shown} />
              </Tabs.Panel>
            </Tabs>
          </Section>
        </Grid.Col>
      </Grid>
    </>
  );
}

/** Protocol, provider and model are in the address, so that it can be sent to somebody. */
function useTarget(): [Target, (change: Partial<Target>) => void] {
  const [search, setSearch] = useSearchParams();
  const target: Target = {
    protocol: protocolNamed(search.get("protocol")).name,
    provider: search.get("provider") ?? "",
    model: search.get("model") ?? "auto",
  };
  const change = (part: Partial<Target>) =>
    setSearch(
      (before) => {
        for (const [name, value] of Object.entries(part)) {
          if (value === "" && name === "provider") before.delete(name);
          else before.set(name, value);
        }
        return before;
      },
      { replace: true },
    );
  return [target, change];
}
