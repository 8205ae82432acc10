import { chmodSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { HEADER_BYTES, MAGIC } from '../../../../agent/delivery/spool/frame.ts';
import { Gate } from '../support.ts';
import { begin, events, gotBy, until, type Got, type Life } from './support.ts';

export const ALERT_EVERY = 4;
const FRAMES = 30;
/** Numbers in each frame; the last of them is left out by a filter. */
export const FRAME_NUMBERS = 5;
export const LAST = FRAMES * FRAME_NUMBERS;

/** A spool of three segments or so, with an output for everything and one for alerts that got nothing. */
export async function makeSpool(folder: string, options: { frames?: number } = {}): Promise<void> {
  const { frames = FRAMES } = options;
  const life = await begin(folder, { segmentBytes: 6000 });
  for (const alertsOnly of [false, true]) {
    const gate = new Gate();
    gate.outcomes.push(...Array.from({ length: 9999 }, () => new Error('away')));
    await life.output(nameOf(alertsOnly), { alertsOnly, gate });
  }
  for (let frame = 0; frame < frames; frame++) {
    const first = 1 + frame * FRAME_NUMBERS;
    life.log.append(framesItems(first), first + FRAME_NUMBERS - 1);
    await life.spool.tick();
  }
  await life.stop();
}

const framesItems = (first: number) => events(first, FRAME_NUMBERS - 1, { bytes: 100, alertEvery: ALERT_EVERY });
export const nameOf = (alertsOnly: boolean): string => (alertsOnly ? 'soc' : 'lake');
const isEvent = (number: number): boolean => number % FRAME_NUMBERS !== 0;
const isFor = (alertsOnly: boolean, number: number): boolean =>
  isEvent(number) && (!alertsOnly || number % ALERT_EVERY === 0);

/** Opens the spool, lets the source send what the spool says it lacks, up to one alert more, and collects. */
export async function deliver(folder: string): Promise<{ lake: Got[]; soc: Got[]; life: Life; due: number }> {
  const life = await begin(folder);
  const outputs = await Promise.all([false, true].map((alertsOnly) => life.output(nameOf(alertsOnly), { alertsOnly })));
  const due = life.due ?? 1;
  for (let number = due; number <= LAST; number++)
    if (isEvent(number)) life.log.append(events(number, 1, { bytes: 100, alertEvery: ALERT_EVERY }), number);
  life.log.append(events(LAST + 1, 1, { alertEvery: 1 }), LAST + 1);
  await until(() => !outputs.some((output) => gotBy(output).at(-1)?.last !== LAST + 1));
  await life.stop();
  const [lake, soc] = outputs.map((output) => gotBy(output));
  return { lake: lake!, soc: soc!, life, due };
}

/** Throws unless each number from `from` on is there once, in order, in an event or in a gap that counts right. @returns the gaps */
export function checkAll(got: readonly Got[], alertsOnly: boolean, from = 1): Got[] {
  const numbers = Array.from({ length: LAST }, (_, i) => i + 1).filter((number) => isFor(alertsOnly, number));
  const expected = numbers.filter((number) => number >= from);
  expected.push(LAST + 1);
  let before = 0;
  for (const { first, last, count, cause } of got) {
    if (first <= before) throw new Error(`${first} after ${before}`);
    before = last;
    const within = expected.filter((number) => number >= first && number <= last);
    if (within.length !== count)
      throw new Error(`${first}-${last} ${cause} counts ${count}, there are ${within.length}`);
    expected.splice(0, within.length);
  }
  if (expected.length > 0) throw new Error(`${expected.join(' ')} are missing`);
  return got.filter(({ cause }) => cause !== undefined);
}

/** Where the frames of a file begin. */
export function framesIn(path: string): number[] {
  const bytes = readFileSync(path);
  const offsets: number[] = [];
  for (let at = bytes.indexOf(MAGIC); at !== -1; at = bytes.indexOf(MAGIC, at + 1))
    if (at === 0 || bytes.length - at >= HEADER_BYTES) offsets.push(at);
  return offsets;
}

/** How many records a frame has. */
export const recordsIn = (path: string, frame: number): number => readFileSync(path).readUInt32LE(frame + 20);

export function copyFolder(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (path) => !basename(path).startsWith('lock') });
  chmodSync(to, 0o700);
}

export function flip(path: string, at: number, bit: number): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 1 << bit;
  writeFileSync(path, bytes);
}
