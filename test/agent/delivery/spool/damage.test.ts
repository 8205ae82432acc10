import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import test from 'ava';
import * as fc from 'fast-check';
import { readCursor, SLOT_BYTES, SLOTS } from '../../../../agent/delivery/spool/cursor-file.ts';
import { HEADER_BYTES, MAGIC } from '../../../../agent/delivery/spool/frame.ts';
import { checkAll, copyFolder, deliver, flip, FRAME_NUMBERS, framesIn, LAST, makeSpool, recordsIn } from './damaged.ts';
import { begin, events, gotBy, TemporaryFolder, until } from './support.ts';

test('whatever byte is flipped, only its frame is lost, its numbers are a gap, and all others are delivered', async (t) => {
  using folder = new TemporaryFolder();
  await makeSpool(folder.spool);
  const { segments } = folder;
  t.true(segments.length >= 3);
  const files = segments.map((path) => ({ name: basename(path), size: statSync(path).size, frames: framesIn(path) }));
  await fc.assert(
    fc.asyncProperty(
      fc.nat(files.length - 1),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.nat(7),
      async (which, where, bit) => {
        using copy = new TemporaryFolder();
        copyFolder(folder.spool, copy.spool);
        const { name, size, frames } = files[which]!;
        const at = Math.floor(where * size);
        flip(join(copy.spool, name), at, bit);
        const { lake, soc, life } = await deliver(copy.spool);
        const isInFrame = at >= frames[0]!;
        const isLast = which === files.length - 1 && at >= frames.at(-1)!;
        const lost = checkAll(lake, false);
        checkAll(soc, true);
        // The header of a segment holds nothing that is nowhere else; what comes last is replayed by the helper.
        const expected =
          isInFrame &&
          !isLast &&
          recordsIn(
            segments[which]!,
            frames.findLast((frame) => frame <= at)!,
          ) > 0
            ? 1
            : 0;
        if (
          lost.length !== expected ||
          lost.some(({ count, cause }) => count !== FRAME_NUMBERS - 1 || cause !== 'damaged')
        )
          throw new Error(`byte ${at} of ${name}: ${JSON.stringify(lost)}`);
        if (!life.raised.some(({ event }) => event === (isLast ? 'SpoolTailCut' : 'SpoolDamaged')))
          throw new Error(`byte ${at} of ${name}: nothing was said`);
      },
    ),
    { numRuns: Number(process.env['SPOOL_PROPERTY_RUNS'] ?? 60) },
  );
  t.pass();
});

test('a file that ends within its last frame, wherever, loses nothing: the source sends that again', async (t) => {
  using folder = new TemporaryFolder();
  await makeSpool(folder.spool, { frames: 3 });
  const path = folder.segments.at(-1)!;
  // The last frame has no record: it says that a filter left the last number out.
  const [start, passed] = framesIn(path).slice(-2);
  const { size } = statSync(path);
  for (let length = start!; length < size; length++) {
    using copy = new TemporaryFolder();
    copyFolder(folder.spool, copy.spool);
    truncateSync(join(copy.spool, basename(path)), length);
    const { lake, soc, life, due } = await deliver(copy.spool);
    t.is(due, length < passed! ? 2 * FRAME_NUMBERS + 1 : 3 * FRAME_NUMBERS);
    t.deepEqual(checkAll(lake, false), []);
    t.deepEqual(checkAll(soc, true), []);
    t.is(
      life.raised.filter(({ event }) => event === 'SpoolTailCut').length,
      length === start || length === passed ? 0 : 1,
    );
    t.true(life.raised.every(({ level }) => level === 'info'));
  }
});

test('a newest segment that holds no frame, empty or cut within its header, is removed', async (t) => {
  for (const length of [0, 1, 15, 16, 40]) {
    using folder = new TemporaryFolder();
    await makeSpool(folder.spool);
    const { segments } = folder;
    truncateSync(segments.at(-1)!, length);
    const { lake, soc, due } = await deliver(folder.spool);
    t.true(due <= LAST);
    t.deepEqual(checkAll(lake, false), []);
    t.deepEqual(checkAll(soc, true), []);
  }
});

test('zeros or rubbish behind the last frame are cut off and put aside', async (t) => {
  for (const rubbish of [
    Buffer.alloc(5000),
    Buffer.alloc(200_000, 0x50),
    Buffer.concat([MAGIC, Buffer.alloc(300, 1)]),
  ]) {
    using folder = new TemporaryFolder();
    await makeSpool(folder.spool);
    const { size } = statSync(folder.segments.at(-1)!);
    appendFileSync(folder.segments.at(-1)!, rubbish);
    const { lake, life } = await deliver(folder.spool);
    t.deepEqual(checkAll(lake, false), []);
    t.like(
      life.raised.find(({ event }) => event === 'SpoolTailCut'),
      { offset: size, bytes: rubbish.length },
    );
    const aside = readdirSync(join(folder.spool, 'quarantine'));
    t.is(aside.length, 1);
    t.deepEqual(readFileSync(join(folder.spool, 'quarantine', aside[0]!)), rubbish);
  }
});

for (const which of ['oldest', 'middle', 'newest'] as const) {
  test(`a segment that is removed, the ${which}, is a gap that counts exactly`, async (t) => {
    using folder = new TemporaryFolder();
    await makeSpool(folder.spool);
    const { segments } = folder;
    const index = { oldest: 0, middle: 1, newest: segments.length - 1 }[which];
    rmSync(segments[index]!);
    const { lake, soc } = await deliver(folder.spool);
    const gaps = checkAll(lake, false);
    checkAll(soc, true);
    // The newest was not told of in anything that is left: the source sends it again.
    t.is(gaps.length, which === 'newest' ? 0 : 1);
    t.true(gaps.every(({ cause, hop }) => cause === 'damaged' && hop === 'spool'));
  });
}

test('when every segment is removed, the places of the outputs say what is lost', async (t) => {
  using folder = new TemporaryFolder();
  await makeSpool(folder.spool);
  for (const path of folder.segments) rmSync(path);
  const { lake, soc } = await deliver(folder.spool);
  t.deepEqual(checkAll(lake, false), []);
  t.deepEqual(checkAll(soc, true), []);
});

test('a segment that became a link, or a folder, is not followed; it is a gap', async (t) => {
  for (const replace of [(path: string) => symlinkSync('/dev/zero', path), (path: string) => mkdirSync(path)]) {
    using folder = new TemporaryFolder();
    await makeSpool(folder.spool);
    const path = folder.segments[1]!;
    rmSync(path);
    replace(path);
    const { lake } = await deliver(folder.spool);
    t.is(checkAll(lake, false).length, 1);
  }
});

test('a segment that is removed, or cut, while it is read is a gap, and so is what it held', async (t) => {
  for (const harm of [(path: string) => rmSync(path), (path: string) => truncateSync(path, 700)]) {
    using folder = new TemporaryFolder();
    await makeSpool(folder.spool);
    const life = await begin(folder.spool);
    harm(folder.segments[1]!);
    const lake = await life.output('lake');
    life.log.append(events(LAST + 1, 1, { alertEvery: 1 }), LAST + 1);
    await until(() => !(gotBy(lake).at(-1)?.last !== LAST + 1));
    await life.stop();
    t.is(checkAll(gotBy(lake), false).length, 1);
    t.true(life.raised.some(({ event, reason }) => event === 'SpoolDamaged' && typeof reason === 'string'));
  }
});

test('what is damaged is put aside within bounds', async (t) => {
  using folder = new TemporaryFolder();
  await makeSpool(folder.spool, { frames: 60 });
  for (const path of folder.segments)
    for (const at of framesIn(path).slice(0, -1)) flip(path, at + HEADER_BYTES + 60, 0);
  const life = await begin(folder.spool);
  const lake = await life.output('lake');
  await until(() => gotBy(lake).some(({ cause }) => cause === 'damaged'));
  await life.stop();
  const aside = readdirSync(join(folder.spool, 'quarantine'));
  t.true(aside.length > 0 && aside.length <= 16, `${aside.length}`);
});

test('a place that is cut or damaged at any byte leaves the other copy, or begins with the oldest', async (t) => {
  using folder = new TemporaryFolder();
  const life = await begin(folder.spool);
  const lake = await life.output('lake');
  for (let number = 1; number <= 4; number++) {
    life.log.append(events(number, 1), number);
    await until(() => !(lake.gate.taken.length < number));
    await life.spool.tick();
  }
  await life.stop();
  const whole = readFileSync(join(folder.spool, 'lake.cursor'));
  const harms = [
    ...Array.from({ length: whole.length }, (_, length) => whole.subarray(0, length)),
    ...Array.from({ length: 400 }, (_, at) => {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 1;
      return bytes;
    }),
  ];
  const path = join(folder.root, 'lake.cursor');
  const ordinals = new Set<number | undefined>();
  for (const bytes of harms) {
    writeFileSync(path, bytes);
    const { state, problem } = await readCursor(path);
    ordinals.add(state?.place.ordinal);
    // One of the copies is whole in all but the shortest.
    t.true(state !== undefined ? state.place.ordinal >= 4 : problem === 'it is damaged', `${bytes.length}`);
  }
  // How old the others are depends on when the last one was written.
  t.true(ordinals.has(5) && ordinals.has(undefined));
});

for (const [what, harm, reason] of [
  ['cut to nothing', () => Buffer.alloc(0), /damaged/],
  ['of another spool', (text: string) => resigned(text, (place) => (place['spool'] = 'x')), /another spool/],
  [
    'from the future',
    (text: string) => resigned(text, (place) => Object.assign(place, { ordinal: 9e9, synced: 9e9 })),
    /ends? before|ended before/,
  ],
  ['of another output', (text: string) => resigned(text, (place) => (place['output'] = 'soc')), /of the output soc/],
  ['of another version', (text: string) => resigned(text, (place) => (place['version'] = 7)), /version 7/],
] as const) {
  test(`a place that is ${what}: the output begins with the oldest record, and that is said`, async (t) => {
    using folder = new TemporaryFolder();
    await makeSpool(folder.spool);
    const path = join(folder.spool, 'lake.cursor');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, harm(text));
    const { lake, life } = await deliver(folder.spool);
    t.deepEqual(checkAll(lake, false), []);
    const [said] = life.raised.filter(({ event }) => event === 'SpoolCursorUnknown');
    t.like(said, { output: 'lake', level: 'warn' });
    t.regex(String(said?.['reason']), reason);
  });
}

/** A cursor file whose copies say something else, with checksums that fit. */
function resigned(text: string, change: (place: Record<string, unknown>) => unknown): Buffer {
  const { crc32 } = process.getBuiltinModule('node:zlib');
  const slots = Array.from({ length: SLOTS }, (_, at) => text.slice(at * SLOT_BYTES, (at + 1) * SLOT_BYTES)).map(
    (slot) => {
      const json = /\{.*\}/u.exec(slot)?.[0];
      if (json === undefined) return slot;
      const place = JSON.parse(json) as Record<string, unknown>;
      change(place);
      const fresh = JSON.stringify(place);
      return `${`${crc32(fresh).toString(16).padStart(8, '0')} ${fresh}`.padEnd(SLOT_BYTES - 1)}\n`;
    },
  );
  return Buffer.from(slots.join(''));
}

test('a place that a crash of the machine left ahead of the spool: what is there is not sent again, what is new is', async (t) => {
  using folder = new TemporaryFolder();
  const first = await begin(folder.spool);
  const a = await first.output('a');
  first.log.append(events(1, 10), 10);
  await until(() => !(a.gate.taken.length < 10));
  await first.spool.tick();
  const before = statSync(folder.segments[0]!).size;
  first.log.append(events(11, 10), 20);
  await until(() => !(a.gate.taken.length < 20));
  // The disk after a crash of the machine now: a place that was written, and records that were not.
  using crashed = new TemporaryFolder();
  copyFolder(folder.spool, crashed.spool);
  truncateSync(join(crashed.spool, basename(folder.segments[0]!)), before);
  await first.stop();
  const second = await begin(crashed.spool);
  t.is(second.due, 11);
  const b = await second.output('a');
  second.log.append(events(11, 12), 22);
  await until(() => !(b.gate.taken.length < 12));
  t.deepEqual(
    gotBy(b).map(({ first: number }) => number),
    Array.from({ length: 12 }, (_, i) => 11 + i),
  );
  t.false(second.raised.some(({ event }) => event === 'SpoolCursorUnknown'));
  await second.stop();
});

test('a spool.json that is missing or damaged is made anew from the segments', async (t) => {
  for (const harm of [
    (path: string) => rmSync(path),
    (path: string) => flip(path, 12, 1),
    (path: string) => truncateSync(path, 5),
  ]) {
    using folder = new TemporaryFolder();
    await makeSpool(folder.spool);
    const path = join(folder.spool, 'spool.json');
    const whole = readFileSync(path, 'utf8');
    harm(path);
    const { lake, life } = await deliver(folder.spool);
    t.deepEqual(checkAll(lake, false), []);
    t.true(life.raised.some(({ event, file }) => event === 'SpoolDamaged' && file === path));
    t.is(readFileSync(path, 'utf8'), whole);
  }
});

test('a segment of another spool is not delivered', async (t) => {
  using folder = new TemporaryFolder();
  using other = new TemporaryFolder();
  await makeSpool(folder.spool);
  await makeSpool(other.spool);
  const path = folder.segments[1]!;
  copyFileSync(other.segments[1]!, path);
  const { lake } = await deliver(folder.spool);
  t.is(checkAll(lake, false).length, 1);
});

test('files that are no part of the spool are left alone', async (t) => {
  using folder = new TemporaryFolder();
  await makeSpool(folder.spool);
  writeFileSync(join(folder.spool, 'notes.txt'), 'hello');
  renameSync(folder.segments[0]!, join(folder.spool, 'backup.segment'));
  const { lake } = await deliver(folder.spool);
  t.is(checkAll(lake, false).length, 1);
  t.true(existsSync(join(folder.spool, 'notes.txt')) && existsSync(join(folder.spool, 'backup.segment')));
});
