/** Which lines a chart has, and which of its points are named. */

/** Steps that people count in, as shares of a power of ten. */
const STEPS = [1, 2, 2.5, 5, 10] as const;

/** Values from 0 to `greatest` or a little more, at most five; whole ones where all that is shown is whole. */
export function ticksTo(greatest: number, whole: boolean): number[] {
  const least = greatest > 0 ? greatest / 4 : 0.25;
  const power = 10 ** Math.floor(Math.log10(least));
  const share = STEPS.find((one) => one * power >= least * (1 - 1e-9)) ?? 10;
  const step = whole ? Math.max(1, Math.ceil(share * power)) : share * power;
  const count = Math.max(1, Math.ceil(greatest / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

/** Every so-many-th of `count` points that are `distance` pixels apart, so that names of `room` pixels don't touch. */
export function namedOf(count: number, distance: number, room: number): number[] {
  const every = Math.max(1, Math.ceil(room / Math.max(distance, 0.01)));
  return Array.from({ length: Math.ceil(count / every) }, (_, index) => index * every);
}
