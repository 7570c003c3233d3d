import { Badge, Button, Table } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { call } from "#/api/client";
import { useStrings } from "#/language/strings";
import { Loaded } from "#/pieces/loaded";
import { reported } from "#/pieces/report";
import { Section } from "#/pieces/section";
import { Time } from "#/pieces/time";

import { strings } from "./strings";

export function Sessions() {
  const t = useStrings(strings);
  const query = useQuery({ queryKey: ["sessions"], queryFn: ({ signal }) => call("GET /api/sessions", { signal }) });
  const end = async (work: Promise<unknown>, done: string) => {
    if (await reported(work, done)) await query.refetch();
  };
  const others = (query.data ?? []).some((session) => !session.current);
  return (
    <Section
      title={t.sessions}
      actions={
        others && (
          <Button size="xs" variant="default" onClick={() => void end(call("DELETE /api/sessions"), t.endedOthers)}>
            {t.endOthers}
          </Button>
        )
      }
    >
      <Loaded query={query} height={90}>
        {(sessions) => (
          <Table.ScrollContainer minWidth={420} scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": t.sessions } }}>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t.began}</Table.Th>
                  <Table.Th>{t.lastUsed}</Table.Th>
                  <Table.Th>{t.expires}</Table.Th>
                  <Table.Td />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {sessions.map((session) => (
                  <Table.Tr key={session.id}>
                    <Table.Td>
                      <Time at={session.began} />
                    </Table.Td>
                    <Table.Td>
                      <Time at={session.lastUsed} />
                    </Table.Td>
                    <Table.Td>
                      <Time at={session.expires} />
                    </Table.Td>
                    <Table.Td ta="right">
                      {session.current ? (
                        <Badge>{t.current}</Badge>
                      ) : (
                        <Button
                          size="compact-xs"
                          variant="default"
                          onClick={() =>
                            void end(call("DELETE /api/sessions/{session_id}", { path: { session_id: session.id } }), t.ended)
                          }
                        >
                          {t.end}
                        </Button>
                      )}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Loaded>
    </Section>
  );
}
