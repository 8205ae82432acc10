import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { copyFolder } from './damaged.ts';
import { SmallDisk } from './small-disk.ts';
import { begin, events, gotBy, TemporaryFolder, until, type Got, type Life, type Receiver } from './support.ts';

const isRoot = process.getuid?.() === 0 && process.platform === 'linux';
const asRoot = isRoot ? test : test.skip;
const skipped = isRoot ? '' : ' [skipped: needs root]';

/** The numbers that are in an event, and in a gap as well. */
function toldTwice(got: readonly Got[]): number[] {
  const gaps = got.filter(({ cause }) => cause !== undefined);
  const isInGap = (number: number): boolean => gaps.some(({ first, last }) => first <= number && number <= last);
  return got.filter(({ cause, first }) => cause === undefined && isInGap(first)).map(({ first }) => first);
}

/** Another life of the agent: the source sends what the spool lacks, up to `last`. */
async function goOn(folder: string, last: number, alertsOnly: boolean): Promise<Got[]> {
  const life = await begin(folder);
  const output = await life.output('lake', { alertsOnly });
  for (let n = life.due ?? 1; n <= last; n++) life.log.append(events(n, 1, { bytes: 500, alertEvery: 5 }), n);
  await until(() => gotBy(output).at(-1)?.last === last);
  await life.stop();
  return gotBy(output);
}

const sizeOf = (path: string | undefined): number => (path === undefined ? 0 : statSync(path).size);

/** Sends events, which the spool writes as one. Resolves when an output has them. */
async function send({ log }: Life, output: Receiver, from: number, last: number): Promise<void> {
  log.append(events(from, last - from + 1, { bytes: 500, alertEvery: 5 }), last);
  await until(() => gotBy(output).at(-1)?.last === last);
}

for (const alertsOnly of [false, true])
  for (const how of ['stopped', 'killed'] as const)
    asRoot(
      `the disk was full, and what ${alertsOnly ? 'an output for alerts' : 'an output'} had meanwhile is given up; the agent is ${how}: no gap names it${skipped}`,
      async (t) => {
        using disk = new SmallDisk(1024 * 1024);
        const life = await begin(disk.spool, { maxBytes: 100_000, segmentBytes: 20_000, tailBytes: 10_000_000 });
        const lake = await life.output('lake', { alertsOnly });
        // Another holds all fast: it has to be written, and does not go because it is delivered.
        const slow = await life.output('slow');
        slow.gate.hold();
        const isSaid = (name: string): boolean => life.raised.some(({ event }) => event === name);
        const isGone = (first: number): boolean => !disk.segments.some((path) => path.includes(`${first}.segment`));
        await send(life, lake, 1, 50);
        await life.spool.tick();
        t.throws(() => disk.fill(8 * 1024 * 1024), { code: 'ENOSPC' });
        await send(life, lake, 51, 400);
        await until(() => isSaid('SpoolFailed'));
        disk.free();
        await until(() => isSaid('SpoolRecovered'));
        t.false(isGone(51));
        // One that is new has a place behind those records: the next life begins there, also where no segment is left.
        await life.output('late');
        const late = join(disk.spool, 'late.cursor');
        await until(() => existsSync(late) && readFileSync(late, 'utf8').includes('"ordinal":401'));
        if (how === 'killed') lake.gate.hold();
        else t.throws(() => disk.fill(8 * 1024 * 1024), { code: 'ENOSPC' });
        // More than what is given up makes room for, where the disk is full again.
        const more = send(life, lake, 401, 1000);
        await until(() => isGone(51) && (how === 'stopped' || sizeOf(disk.segments[0]) > 300_000));
        using killed = new TemporaryFolder();
        if (how === 'killed') copyFolder(disk.spool, killed.spool);
        const had = gotBy(lake);
        lake.gate.release();
        await more;
        const all = gotBy(lake);
        await life.stop();
        disk.free();
        const rest = await goOn(how === 'killed' ? killed.spool : disk.spool, 1005, alertsOnly);
        t.deepEqual(toldTwice([...(how === 'killed' ? had : all), ...rest]), []);
      },
    );
