/** Numbers, money, durations, sizes and times, as people of a language write them. What is unknown is a dash. */

import { useMemo } from "react";

import { useLanguage } from "#/language/language";

export const UNKNOWN = "–";

type Maybe<T> = T | null | undefined;
export type Moment = Date | string | number;

/** A moment: a date, an ISO text, or seconds since 1970. */
export function momentOf(value: Moment): Date {
  return value instanceof Date ? value : new Date(typeof value === "number" ? value * 1000 : value);
}

export function formatter(locale: string) {
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const decimal = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
  const hour = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
  const day = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric" });
  const utcDay = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", timeZone: "UTC" });
  const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
  const utc = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  const unit = (value: number, name: string, digits: number) =>
    new Intl.NumberFormat(locale, {
      style: "unit",
      unit: name,
      unitDisplay: "short",
      maximumFractionDigits: digits,
    }).format(value);

  const known =
    <T>(write: (value: T) => string) =>
    (value: Maybe<T>): string =>
      value === null || value === undefined || (typeof value === "number" && Number.isNaN(value))
        ? UNKNOWN
        : write(value);

  return {
    /** 12,345 */
    number: known<number>((value) => whole.format(value)),
    /** 12.3 */
    decimal: known<number>((value) => decimal.format(value)),
    /** 12.3K */
    compact: known<number>((value) => compact.format(value)),
    /** A share from 0 to 1: 98.5 % */
    percent: known<number>((value) => percent.format(value)),
    /** US dollars; small sums keep two digits that say something. */
    money: known<number>((value) => {
      const size = Math.abs(value);
      const digits =
        size > 0 && size < 0.01
          ? { maximumSignificantDigits: 2 }
          : { minimumFractionDigits: 2, maximumFractionDigits: size < 1 ? 3 : 2 };
      const currency = { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol" } as const;
      return new Intl.NumberFormat(locale, { ...currency, ...digits }).format(value);
    }),
    /** Milliseconds: 820 ms, 1.42 s, 3 min. */
    duration: known<number>((ms) => {
      if (ms < 1000) return unit(ms, "millisecond", ms < 10 ? 1 : 0);
      if (ms < 60_000) return unit(ms / 1000, "second", ms < 10_000 ? 2 : 1);
      if (ms < 3_600_000) return unit(ms / 60_000, "minute", 1);
      if (ms < 172_800_000) return unit(ms / 3_600_000, "hour", 1);
      return unit(ms / 86_400_000, "day", 0);
    }),
    bytes: known<number>((value) => {
      if (value < 1024) return unit(value, "byte", 0);
      if (value < 1024 ** 2) return unit(value / 1024, "kilobyte", 1);
      if (value < 1024 ** 3) return unit(value / 1024 ** 2, "megabyte", 1);
      return unit(value / 1024 ** 3, "gigabyte", 2);
    }),
    clock: known<Moment>((value) => clock.format(momentOf(value))),
    hour: known<Moment>((value) => hour.format(momentOf(value))),
    day: known<Moment>((value) => day.format(momentOf(value))),
    /** A day of UTC, as the server counts them. */
    utcDay: known<Moment>((value) => utcDay.format(momentOf(value))),
    dateTime: known<Moment>((value) => dateTime.format(momentOf(value))),
    utc: known<Moment>((value) => `${utc.format(momentOf(value))} UTC`),
    /** 5 min ago, in 2 hr. */
    relative: (value: Maybe<Moment>, now: number = Date.now()): string => {
      if (value === null || value === undefined) return UNKNOWN;
      const seconds = (momentOf(value).getTime() - now) / 1000;
      const size = Math.abs(seconds);
      if (size < 60) return relative.format(Math.round(seconds), "second");
      if (size < 3600) return relative.format(Math.round(seconds / 60), "minute");
      if (size < 86_400) return relative.format(Math.round(seconds / 3600), "hour");
      return relative.format(Math.round(seconds / 86_400), "day");
    },
  };
}

export type Format = ReturnType<typeof formatter>;

export function useFormat(): Format {
  const { locale } = useLanguage();
  return useMemo(() => formatter(locale), [locale]);
}
