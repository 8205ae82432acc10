import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { Marker } from '../../../../agent/delivery/seal/marker.ts';
import type { Item } from '../../../../agent/events/item.ts';
import { Identified } from '../../../../agent/formats/identified.ts';
import { TAKEN, type Batch, type Outcome } from '../../../../agent/outputs/output.ts';
import { verdictsOf } from '../../completeness/support.ts';
import { gap } from '../../support/items.ts';
import { randomOf } from '../../support/random.ts';
import { begin, checkCounters, events, TemporaryFolder, until, type Receiver } from '../spool/support.ts';
import { Gate } from '../support.ts';
import { exactProblemsOf, problemsOf } from './check.ts';

const SEEDS = Number(process.env['SEAL_SEEDS'] ?? 40);
const NUMBERS = 600;
const ALERT_EVERY = 7;

/** The records of a helper: events, and gaps in place of some. */
interface Source {
  /** The items from a number on, and the last number that they reach. */
  from(number: number, most: number): { items: Item[]; last: number };
  isFiltered(number: number): boolean;
  isGap(number: number): boolean;
}

function sourceOf(random: (below: number) => number): Source {
  const kinds = Array.from({ length: NUMBERS + 1 }, () => (random(4) === 0 ? 'filtered' : 'event'));
  const gapOf = new Map<number, [number, number]>();
  for (let i = random(5); i > 0; i--) {
    const first = 1 + random(NUMBERS - 20);
    const last = first + random(15);
    for (let n = first; n <= last; n++)
      if (gapOf.has(n)) break;
      else gapOf.set(n, [first, n]);
  }
  const isGap = (n: number): boolean => gapOf.has(n);
  return {
    isGap,
    isFiltered: (n) => !isGap(n) && kinds[n] === 'filtered',
    from(number, most) {
      const items: Item[] = [];
      let n = number;
      const end = Math.min(NUMBERS, number + most - 1);
      while (n <= end) {
        let last = n;
        if (isGap(n)) {
          while (last < end && isGap(last + 1)) last++;
          items.push(gap(n, last));
        } else if (kinds[n] === 'event') items.push(...events(n, 1, { alertEvery: ALERT_EVERY }));
        n = last + 1;
      }
      return { items, last: end };
    },
  };
}

function outcomeOf(random: (below: number) => number): Outcome | Error {
  switch (random(8)) {
    case 0:
      return { kind: 'retry', reason: 'busy', taken: random(3) };
    case 1:
      return new Error('cut');
    case 2:
      return { kind: 'refused', reason: 'bad', records: [0] };
    default:
      return TAKEN;
  }
}

/** A receiver that takes every seal and gap: one that is refused is a hole, and another test's matter. */
class TakesSeals extends Gate {
  override async send(batch: Batch): Promise<Outcome> {
    const [next] = this.outcomes;
    const isRefused = next !== undefined && 'kind' in next && next.kind === 'refused';
    if (isRefused && /^\{"type":"(?:seal|gap)"/u.test(batch.lines.toString('latin1', 0, 20))) this.outcomes[0] = TAKEN;
    return super.send(batch);
  }
}

/** The disk while the other agent goes on: as after its death, except that it may remove a file in between. */
function copySpool(from: string, to: string): void {
  mkdirSync(to, { mode: 0o700 });
  // Cursors first: what they point at is not removed before they are written again.
  const files = readdirSync(from).filter((name) => /\.(?:segment|cursor|json)$/u.test(name));
  for (const name of files.toSorted()) {
    try {
      copyFileSync(join(from, name), join(to, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** Loses a file of the spool, or a byte, now and then. @returns how many were harmed */
function damage(folder: string, random: (below: number) => number): number {
  const segments = readdirSync(folder).filter((name) => name.endsWith('.segment'));
  const name = segments[random(segments.length)];
  if (name === undefined || random(2) === 0) return 0;
  const path = join(folder, name);
  if (random(2) === 0) {
    rmSync(path);
    return 1;
  }
  const bytes = readFileSync(path);
  if (bytes.length === 0) return 0;
  bytes[random(bytes.length)]! ^= 0x40;
  writeFileSync(path, bytes);
  return 1;
}

const STREAMS = [
  { name: 'all', alertsOnly: false },
  { name: 'alerts', alertsOnly: true },
] as const;

test('whatever is filtered, lost, refused, reloaded and killed: seals add up, and say what the receiver has', async (t) => {
  let refused = 0;
  let crashes = 0;
  let damaged = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = randomOf(seed);
    const source = sourceOf(random);
    using root = new TemporaryFolder();
    const received = new Map<string, string[]>(STREAMS.map(({ name }) => [name, []]));
    let folder = root.spool;
    const lives = 1 + random(3);
    for (let life = 1; life <= lives; life++) {
      const isLast = life === lives;
      const agent = await begin(folder, {
        bootId: 'boot',
        lastSeq: NUMBERS,
        sync: random(2) === 0 ? 'batch' : 3_600_000,
        segmentBytes: 3000,
        tailBytes: random(2) === 0 ? 1 : 1024 * 1024,
      });
      const outputs: Receiver[] = [];
      for (const { name, alertsOnly } of STREAMS) {
        const gate = new TakesSeals();
        Object.assign(gate, { format: new Identified({ hostId: 'a'.repeat(32), host: 'h', stream: name }) });
        gate.outcomes = Array.from({ length: random(30) }, () => outcomeOf(random));
        const limits = { bytes: 1024 * 1024, records: 1 + random(40), ageMs: 0 };
        outputs.push(await agent.output(name, { alertsOnly, gate, limits, seals: true }));
      }
      const marker = new Marker({
        log: agent.log,
        facts: () => ({ kernel_count: NUMBERS }),
        isNeeded: () => true,
        numbers: 30 + random(60),
      });
      marker.begin({ bootId: 'boot', firstSeq: 1, lastSeq: NUMBERS }, agent.due);
      const stopAt = isLast ? NUMBERS : random(NUMBERS);
      for (let next = agent.due ?? 1; next <= stopAt;) {
        const { items, last } = source.from(next, 1 + random(25));
        agent.log.append(items, last);
        marker.passed(next, last);
        next = last + 1;
        if (random(10) === 0) marker.mark(random(2) === 0 ? 'reload' : 'idle');
        for (let i = random(4); i > 0; i--) await turn();
      }
      if (isLast) {
        marker.mark('stop');
        const isSealed = ({ gate }: Receiver): boolean =>
          gate.taken.some((line) => line.startsWith('{"type":"seal"') && line.includes(`"to":${NUMBERS},`));
        await until(() => outputs.every(isSealed));
        await agent.stop();
        outputs.forEach(checkCounters);
      } else {
        crashes++;
        for (let i = random(20); i > 0; i--) await turn();
      }
      // A receiver has this once the process is gone; later work in this process counts no more.
      for (const [i, { name }] of STREAMS.entries()) {
        received.get(name)!.push(...outputs[i]!.gate.taken);
        refused += outputs[i]!.gate.refused.length;
      }
      marker.close();
      if (isLast) break;
      const next = join(root.root, `life-${life}`);
      copySpool(folder, next);
      damaged += damage(next, random);
      void agent.stop();
      folder = next;
    }
    for (const { name, alertsOnly } of STREAMS) {
      const lines = received.get(name)!;
      const isFiltered = (_: string, n: number): boolean =>
        !source.isGap(n) && (source.isFiltered(n) || (alertsOnly && n % ALERT_EVERY !== 0));
      t.deepEqual(problemsOf(lines, isFiltered), [], `seed ${seed}, ${name}`);
      const [verdict] = verdictsOf(lines, { whole: true }).verdicts;
      t.deepEqual(verdict!.problems, [], `seed ${seed}, ${name}`);
      if (lives === 1) t.deepEqual(exactProblemsOf(lines), [], `seed ${seed}, ${name}`);
    }
  }
  t.true(refused > 50 && crashes > 10 && damaged > 3, `${refused} refused, ${crashes} crashes, ${damaged} damaged`);
});
