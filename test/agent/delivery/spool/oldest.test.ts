import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { HEADER_BYTES } from '../../../../agent/delivery/spool/frame.ts';
import { Gate } from '../support.ts';
import { checkAll, copyFolder, deliver, flip, FRAME_NUMBERS, framesIn, LAST, makeSpool, nameOf } from './damaged.ts';
import { begin, events, gotBy, TemporaryFolder, until } from './support.ts';

const away = (): Gate => {
  const gate = new Gate();
  gate.outcomes.push(...Array.from({ length: 9999 }, () => new Error('away')));
  return gate;
};

/** Takes the places of both outputs away. */
const PLACES: ReadonlyArray<[string, (path: string) => void]> = [
  ['missing', (path) => rmSync(path)],
  ['damaged', (path) => writeFileSync(path, readFileSync(path).fill(0x41))],
  ['cut to nothing', (path) => truncateSync(path, 0)],
];

const damageFrames = (path: string, frames: readonly number[]): void =>
  frames.forEach((frame) => flip(path, frame + HEADER_BYTES + 3, 0));

/** Damages the oldest frames, and leaves the header of their segment. */
const FRAMES: ReadonlyArray<[string, (segments: readonly string[]) => void]> = [
  ['the first frame with records is', ([path]) => damageFrames(path!, framesIn(path!).slice(0, 2))],
  ['the first frames are', ([path]) => damageFrames(path!, framesIn(path!).slice(0, 5))],
  ['all frames of the oldest segment are', ([path]) => damageFrames(path!, framesIn(path!))],
  ['all frames of the oldest segment are cut off and', ([path]) => truncateSync(path!, framesIn(path!)[0]!)],
  [
    'all frames of the two oldest segments are',
    (paths) => paths.slice(0, 2).forEach((path) => damageFrames(path, framesIn(path))),
  ],
];

/** The number of the first event in a file. */
const firstNumber = (path: string): number => Number(/"seq":(\d+)/u.exec(readFileSync(path, 'latin1'))![1]);

for (const isFirst of [true, false])
  for (const [how, harmPlace] of PLACES)
    for (const [which, harmFrames] of FRAMES)
      test(`the place is ${how} and ${which} damaged, ${isFirst ? 'from the beginning' : 'after others were removed'}: the gap counts exactly`, async (t) => {
        using folder = new TemporaryFolder();
        await makeSpool(folder.spool);
        if (!isFirst) rmSync(folder.segments[0]!);
        const from = firstNumber(folder.segments[0]!);
        harmFrames(folder.segments);
        for (const alertsOnly of [false, true]) harmPlace(join(folder.spool, `${nameOf(alertsOnly)}.cursor`));
        const { lake, soc } = await deliver(folder.spool);
        t.is(checkAll(lake, false, from).length, 1);
        t.true(checkAll(soc, true, from).length <= 1);
      });

test('an oldest segment whose name is 1 needs no header: what somebody wrote over it is a gap that counts exactly', async (t) => {
  for (const harm of [
    ([path]: readonly string[]) => truncateSync(path!, 0),
    ([path]: readonly string[]) => writeFileSync(path!, Buffer.alloc(5000)),
    ([path, , later]: readonly string[]) => copyFileSync(later!, path!),
  ]) {
    using folder = new TemporaryFolder();
    await makeSpool(folder.spool);
    harm(folder.segments);
    rmSync(join(folder.spool, 'lake.cursor'));
    const { lake } = await deliver(folder.spool);
    t.is(checkAll(lake, false).length, 1);
  }
});

/** A spool whose oldest segment is not the first, and says nothing of itself: its header and first frame are damaged. */
async function makeNameless(folder: TemporaryFolder): Promise<number> {
  await makeSpool(folder.spool);
  rmSync(folder.segments[0]!);
  const [path] = folder.segments;
  const first = firstNumber(path!);
  flip(path!, 20, 0);
  damageFrames(path!, framesIn(path!).slice(0, 2));
  rmSync(join(folder.spool, 'lake.cursor'));
  return first;
}

test('where neither name nor header say the place, an uncounted gap stands for what is damaged, and the log says how much', async (t) => {
  using folder = new TemporaryFolder();
  const first = await makeNameless(folder);
  const { lake, life } = await deliver(folder.spool);
  const [gap, ...rest] = lake;
  const next = first + FRAME_NUMBERS;
  t.like(gap, { first: 1, count: 1, cause: 'damaged', hop: 'spool', uncounted: true });
  t.true(gap!.last >= next - 2 && gap!.last < next, `${gap!.last}`);
  t.deepEqual(checkAll(rest, false, next), []);
  const said = life.raised.find(
    ({ event, reason }) => event === 'SpoolDamaged' && /records are lost/u.test(String(reason)),
  );
  t.regex(String(said?.['reason']), /: 4 records are lost, and how many events they were is not known/u);
});

test('an uncounted gap is not forgotten when the agent ends before it is delivered', async (t) => {
  using folder = new TemporaryFolder();
  await makeNameless(folder);
  for (let lives = 0; lives < 2; lives++) {
    const life = await begin(folder.spool);
    await life.output('lake', { gate: away() });
    await life.spool.tick();
    await life.stop();
  }
  const { lake } = await deliver(folder.spool);
  t.true(lake[0]?.uncounted);
  // And once it is delivered, it does not come again.
  const life = await begin(folder.spool);
  const again = await life.output('lake');
  life.log.append(events(LAST + 2, 1), LAST + 2);
  await until(() => gotBy(again).at(-1)?.last === LAST + 2);
  await life.stop();
  t.deepEqual(gotBy(again), [{ first: LAST + 2, last: LAST + 2, count: 1 }]);
});

test('where not even the boot of what is damaged is known, the log says so', async (t) => {
  using folder = new TemporaryFolder();
  for (const bootId of ['a', 'b', 'c']) {
    const life = await begin(folder.spool, { bootId, segmentBytes: 600 });
    await life.output('lake', { gate: away() });
    for (const first of [1, 5, 9]) {
      life.log.append(events(first, 4, { bytes: 100 }), first + 3);
      await life.spool.tick();
    }
    await life.stop();
  }
  rmSync(folder.segments[0]!);
  for (const path of folder.segments) flip(path, 20, 0);
  damageFrames(folder.segments[0]!, framesIn(folder.segments[0]!));
  rmSync(join(folder.spool, 'lake.cursor'));
  using copy = new TemporaryFolder();
  copyFolder(folder.spool, copy.spool);
  const life = await begin(copy.spool, { bootId: 'c' });
  const lake = await life.output('lake');
  await until(() => gotBy(lake).at(-1)?.last === 12 && gotBy(lake).length >= 8);
  await life.stop();
  const said = life.raised.filter(({ event }) => event === 'SpoolDamaged').map(({ reason }) => String(reason));
  t.true(
    said.some((reason) => /4 records are lost, and nothing says of which boot/u.test(reason)),
    said.join('; '),
  );
});
