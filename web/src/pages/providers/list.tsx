/** The accounts in a table: found by filters, chosen one by one or together. */

import { Badge, Button, Checkbox, Group, Select, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useDeferredValue, useMemo, useState } from "react";

import { useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { useAddressValues } from "#/pieces/address-values";
import { DataTable, type Column } from "#/pieces/data-table";
import { Empty } from "#/pieces/empty";
import { Time } from "#/pieces/time";
import { strings as shell } from "#/shell/strings";

import { STATES, type Account, type Accounts, type State } from "./accounts";
import { useDeeds } from "./deeds";
import { strings } from "./strings";

const COLORS: Record<State, string> = { healthy: "green", resting: "orange", login: "red", disabled: "gray" };

interface Props {
  all: Accounts;
  onChoose: (account: Account) => void;
}

export function AccountList({ all, onChoose }: Props) {
  const { accounts } = all;
  const t = useStrings(strings);
  const names = useStrings(shell);
  const format = useFormat();
  const [search, change] = useAddressValues();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const { dialogues, bulk, ofType } = useDeeds(() => setSelected(new Set()));
  const text = search.get("q") ?? "";
  const wanted = useDeferredValue(text.toLowerCase());
  const type = search.get("type") ?? "";
  const state = search.get("state") ?? "";
  const rows = useMemo(
    () =>
      accounts.filter(
        (one) =>
          (type === "" || one.type === type) &&
          (state === "" || one.state === state) &&
          (wanted === "" || `${one.name} ${one.type} ${one.uuid} ${one.why ?? ""}`.toLowerCase().includes(wanted)),
      ),
    [accounts, type, state, wanted],
  );
  const toggle = (uuid: string) =>
    setSelected((before) => {
      const after = new Set(before);
      if (!after.delete(uuid)) after.add(uuid);
      return after;
    });
  const chosen = rows.filter((one) => selected.has(one.uuid));
  const choice = { accounts: chosen, revision: all.revision };
  const every = chosen.length > 0 && chosen.length === rows.length;
  const columns: Column<Account>[] = [
    {
      key: "select",
      header: t.selectAll,
      head: (
        <Checkbox
          size="xs"
          checked={every}
          indeterminate={chosen.length > 0 && !every}
          aria-label={t.selectAll}
          onChange={() => setSelected(new Set(every ? [] : rows.map((one) => one.uuid)))}
        />
      ),
      width: "44px",
      cell: (one) => (
        <Checkbox
          size="xs"
          checked={selected.has(one.uuid)}
          aria-label={t.select(one.name)}
          onClick={(event) => event.stopPropagation()}
          onChange={() => toggle(one.uuid)}
        />
      ),
    },
    {
      key: "name",
      header: t.name,
      width: "minmax(120px, 1.2fr)",
      order: (one) => one.name,
      cell: (one) => (
        <UnstyledButton fz="sm" fw={600} w="100%" className="app-clip" aria-label={t.edit(one.name)} onClick={() => onChoose(one)}>
          {one.name}
        </UnstyledButton>
      ),
    },
    { key: "type", header: t.type, width: "minmax(130px, 190px)", wideOnly: true, order: (one) => one.type, cell: (one) => one.type },
    { key: "state", header: t.state, width: "minmax(110px, 1.4fr)", order: (one) => STATES.indexOf(one.state), cell: (one) => <StateOf account={one} /> },
    { key: "rate", header: t.successRate, width: "92px", align: "right", wideOnly: true, order: (one) => one.successRate, cell: (one) => format.percent(one.successRate) },
    { key: "now", header: t.inFlight, width: "72px", align: "right", wideOnly: true, order: (one) => one.inFlight, cell: (one) => format.number(one.inFlight) },
    { key: "used", header: t.lastUsed, width: "112px", wideOnly: true, order: (one) => one.lastUsed, cell: (one) => <Time at={one.lastUsed} /> },
  ];
  return (
    <>
      {dialogues}
      <Group align="flex-end" gap="sm" mb="sm">
        <TextInput label={t.search} value={text} onChange={(event) => change("q", event.currentTarget.value)} style={{ flex: "1 1 180px" }} />
        <Select label={t.type} placeholder={t.allTypes} clearable value={type || null} data={all.used} onChange={(value) => change("type", value)} w={{ base: "100%", xs: 200 }} />
        <Select
          label={t.state}
          placeholder={t.allStates}
          clearable
          value={state || null}
          data={STATES.map((value) => ({ value, label: t.states[value] }))}
          onChange={(value) => change("state", value)}
          w={{ base: "100%", xs: 150 }}
        />
      </Group>
      {(chosen.length > 0 || type !== "") && (
        <Group gap="xs" mb="sm" role="toolbar">
          {chosen.length > 0 && (
            <>
              <Text size="sm">{t.selected(format.number(chosen.length))}</Text>
              <Button size="xs" variant="default" onClick={() => bulk.enable(choice)}>
                {t.enable}
              </Button>
              <Button size="xs" variant="default" onClick={() => bulk.disable(choice)}>
                {t.disable}
              </Button>
              <Button size="xs" variant="default" onClick={() => bulk.check(choice)}>
                {t.check}
              </Button>
              <Button size="xs" variant="light" color="red" onClick={() => bulk.delete(choice)}>
                {t.remove}
              </Button>
            </>
          )}
          {type !== "" && (
            <>
              <Button size="xs" variant="default" onClick={() => ofType.check(type)}>
                {t.checkType}
              </Button>
              <Button size="xs" variant="default" onClick={() => ofType.reset(type)}>
                {t.resetHealth}
              </Button>
            </>
          )}
        </Group>
      )}
      <DataTable
        label={names.pages.providers}
        columns={columns}
        rows={rows}
        rowKey={(one) => one.uuid}
        onRowClick={(one) => onChoose(one)}
        empty={<Empty title={t.noMatch} />}
      />
    </>
  );
}

function StateOf({ account }: { account: Account }) {
  const t = useStrings(strings);
  return (
    <span title={account.why ?? undefined}>
      <Badge color={COLORS[account.state]}>{t.states[account.state]}</Badge>{" "}
      {account.state === "resting" && account.until !== null && (
        <Text span size="xs" c="dimmed">
          {t.until} <Time at={account.until} />{" "}
        </Text>
      )}
      {account.state !== "healthy" && account.why !== null && (
        <Text span size="xs" c="dimmed">
          {account.why}
        </Text>
      )}
    </span>
  );
}
