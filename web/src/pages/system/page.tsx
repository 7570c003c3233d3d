/** The processes of this server: what they are and use, restart and reload, sessions, and the password. */

import { SimpleGrid } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { call } from "#/api/client";
import type { System } from "#/api/types";
import { useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { Loaded } from "#/pieces/loaded";
import { PageHeader } from "#/pieces/page-header";
import { Problems } from "#/pieces/problems";
import { Stat } from "#/pieces/stat";
import { strings as shell } from "#/shell/strings";

import { Maintenance } from "./maintenance";
import { PasswordForm } from "./password-form";
import { Processes } from "./processes";
import { Sessions } from "./sessions";
import { strings } from "./strings";
import { Versions } from "./versions";

export default function SystemPage() {
  const t = useStrings(strings);
  const names = useStrings(shell);
  const query = useQuery({
    queryKey: ["system"],
    queryFn: ({ signal }) => call("GET /api/system", { signal }),
    refetchInterval: 3000,
  });
  return (
    <>
      <PageHeader title={names.pages.system} text={t.text} />
      <Loaded query={query} height={400}>
        {(system) => (
          <>
            <Problems title={t.problems} problems={system.problems} />
            <Figures system={system} />
            <Maintenance mode={system.mode} />
            <Processes processes={system.processes} />
            <Versions versions={system.versions} />
          </>
        )}
      </Loaded>
      <Sessions />
      <PasswordForm />
    </>
  );
}

function Figures({ system }: { system: System }) {
  const t = useStrings(strings);
  const format = useFormat();
  const memory = system.memory.reduce((sum, one) => sum + one.bytes, 0);
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm" mb="md">
      <Stat label={t.version} value={system.appVersion} note={t.modes[system.mode] ?? system.mode} />
      <Stat label={t.uptime} value={format.duration(system.uptime * 1000)} note={format.dateTime(system.serverTime)} />
      <Stat label={t.memory} value={format.bytes(memory)} note={`${t.database}: ${system.database ?? t.noDatabase}`} />
      <Stat label={t.processor} value={system.cpuUsage} note={t.processorNote} />
    </SimpleGrid>
  );
}
