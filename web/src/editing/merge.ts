/** What is edited while others may change it too: how two states of it differ, and how both changes are joined. */

import { Problem } from "#/api/problem";

export type Fields = Readonly<Record<string, unknown>>;

/** What was read, and the revision (`ETag`) of the file that it stands in. */
export interface Version {
  fields: Fields;
  revision: string | null;
}

/** A field that somebody else has changed since it was read. */
export interface Meanwhile {
  name: string;
  before: unknown;
  now: unknown;
  /** What is to be written instead; undefined where only somebody else has changed it. */
  mine: unknown;
}

export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}

/** Fields that are others now; one that is gone is removed by null. */
export function differences(before: Fields, after: Fields): Fields {
  const changed = Object.entries(after).filter(([name, value]) => !same(value, before[name]));
  const gone = Object.keys(before).filter((name) => !(name in after) && !same(before[name], null));
  return { ...Object.fromEntries(changed), ...Object.fromEntries(gone.map((name) => [name, null])) };
}

/** Fields after changes; null removes one. */
export function applied(fields: Fields, changes: Fields): Fields {
  return Object.fromEntries(Object.entries({ ...fields, ...changes }).filter(([, value]) => value !== null));
}

/** What somebody else has made of `base`, beside the own `changes` of it. */
export function meanwhile(base: Fields, now: Fields, changes: Fields): Meanwhile[] {
  return Object.entries(differences(base, now)).map(([name, value]) => {
    const mine = name in changes && !same(changes[name], value) ? changes[name] : undefined;
    return { name, before: base[name], now: value, mine };
  });
}

export function ifMatch(revision: string | null): Record<string, string> {
  return revision === null ? {} : { "if-match": revision };
}

export function isConflict(error: unknown): boolean {
  return error instanceof Problem && error.status === 412;
}

const ATTEMPTS = 4;

/** Send a change of `base`. Where the file has become another one, but not what is changed here, the change is sent again;
 * otherwise the refusal (412) is thrown. `read` gives what is there now, null where it is gone. */
export async function sent<T>(
  base: Version,
  read: () => Promise<Version | null>,
  send: (headers: Record<string, string>) => Promise<T>,
): Promise<T> {
  let { revision } = base;
  for (let attempt = 1; ; attempt++) {
    try {
      // oxlint-disable-next-line no-await-in-loop
      return await send(ifMatch(revision));
    } catch (error) {
      if (!isConflict(error) || attempt === ATTEMPTS) throw error;
      // oxlint-disable-next-line no-await-in-loop
      const now = await read();
      if (now === null || Object.keys(differences(base.fields, now.fields)).length > 0) throw error;
      revision = now.revision;
    }
  }
}
