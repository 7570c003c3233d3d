/** What happened in one request, step by step, and when: the bar of a step lies where it was in the whole. */

import { Badge, Group, Text } from "@mantine/core";

import { useNames } from "#/api/names";
import type { Step } from "#/api/types";
import { useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";

import { strings } from "./strings";
import classes from "./timeline.module.css";

export function Timeline({ steps }: { steps: readonly Step[] }) {
  const t = useStrings(strings);
  const whole = Math.max(1, ...steps.map((step) => step.endMs ?? step.ms));
  return (
    <ol className={classes.list} aria-label={t.timeline}>
      {steps.map((step, index) => (
        // Steps never change their places.
        // oxlint-disable-next-line react/no-array-index-key
        <StepShown key={index} step={step} whole={whole} />
      ))}
    </ol>
  );
}

function StepShown({ step, whole }: { step: Step; whole: number }) {
  const t = useStrings(strings);
  const format = useFormat();
  const names = useNames();
  const { event, ms, endMs, provider, account, model, error, status } = step;
  const failed = typeof error === "string";
  const place = [provider, account === null || account === undefined ? null : (names.account.get(account) ?? account), model];
  const end = endMs ?? ms;
  return (
    <li className={classes.step} data-event={event}>
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Group gap="xs">
          <Text size="sm" fw={600}>
            {t.events[event]}
          </Text>
          {event === "attempt" && <Badge color={failed ? "red" : "green"}>{failed ? t.failedWith(error) : t.answered}</Badge>}
          {event === "done" && failed && <Badge color="red">{t.failedWith(error)}</Badge>}
          {typeof status === "number" && <Badge color={status >= 400 ? "red" : "green"}>{t.withStatus(status)}</Badge>}
        </Group>
        <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}>
          {format.duration(ms)}
          {event === "attempt" && ` – ${endMs === null || endMs === undefined ? t.untilEnd : format.duration(endMs)}`}
        </Text>
      </Group>
      {event === "attempt" && (
        <Text size="sm" c="dimmed" className="app-break">
          {place.filter(Boolean).join(" · ")}
        </Text>
      )}
      <div className={classes.track} aria-hidden>
        <div
          className={classes.bar}
          data-failed={failed || undefined}
          style={{ left: `min(${(100 * ms) / whole}%, 100% - 3px)`, width: `${(100 * (end - ms)) / whole}%` }}
        />
      </div>
    </li>
  );
}
