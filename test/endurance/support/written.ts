import { createReadStream, readdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { ProbeEvent } from '../../../shared/events/parse.ts';
import { parseEvent } from '../../support/events.ts';

/** The files of a file output, the oldest first. */
export function filesOf(file: string): string[] {
  const folder = path.dirname(file);
  const number = (name: string): number =>
    name === path.basename(file) ? 0 : Number(name.slice(path.basename(file).length + 1));
  return readdirSync(folder)
    .filter((name) => name.startsWith(path.basename(file)) && Number.isInteger(number(name)))
    .toSorted((a, b) => number(b) - number(a))
    .map((name) => path.join(folder, name));
}

/** The events that a file output wrote, rotated files first, one by one: too much to be held at once. */
export async function* written(file: string): AsyncGenerator<ProbeEvent> {
  for (const one of filesOf(file)) {
    for await (const line of createInterface({ input: createReadStream(one) })) yield parseEvent(line) as ProbeEvent;
  }
}

/** The sum over a stream of events: how many there are, how many are missing by their gaps, and the place of each of a storm's execs. */
export interface Tally {
  first: number;
  last: number;
  events: number;
  missing: number;
  cut: number;
  /** Execs of the storm that were told, by worker; one bit for each. */
  readonly told: Map<string, Uint8Array>;
  twice: number;
  /** Each gap in words, for the log of a run that has some. */
  readonly gaps: string[];
}

/** Counts, and fails at a number that does not follow the one before. */
export async function tally(events: AsyncIterable<ProbeEvent>, mark: string, execs: number): Promise<Tally> {
  const sum: Tally = { first: 0, last: 0, events: 0, missing: 0, cut: 0, told: new Map(), twice: 0, gaps: [] };
  for await (const event of events) {
    if (event.type === 'hello' || event.type === 'heartbeat' || event.type === 'clock') continue;
    const [first, last] = event.type === 'gap' ? [event.first, event.last] : [event.seq, event.seq];
    if (first === undefined || last === undefined) throw new Error(`no number: ${JSON.stringify(event)}`);
    if (sum.first === 0) sum.first = first;
    else if (first !== sum.last + 1) throw new Error(`after ${sum.last} comes ${first}`);
    sum.last = last;
    if (event.type === 'gap') {
      sum.missing += last - first + 1;
      sum.gaps.push(`${event.time} ${event.hop} ${event.cause}: ${first} to ${last}`);
    } else sum.events++;
    if (event.type !== 'exec' || event.argv?.at(-1) !== mark) continue;
    if (event.argv_truncated) sum.cut++;
    const [, worker = '', number = ''] = event.argv;
    let bits = sum.told.get(worker);
    if (bits === undefined) sum.told.set(worker, (bits = new Uint8Array(execs)));
    if (bits[Number(number)] === 1) sum.twice++;
    bits[Number(number)] = 1;
  }
  return sum;
}

/** How many different execs of the storm were told. */
export const toldIn = ({ told }: Tally): number =>
  [...told.values()].reduce((sum, bits) => sum + bits.reduce((all, bit) => all + bit, 0), 0);
