import test from 'ava';
import fc from 'fast-check';
import { processLine } from '../../helper/macos/child/process-line.ts';
import { parseEvent } from '../support/events.ts';
import { decode, printed, RESTART_MARK } from './support.ts';

test('an exec becomes an event with all that was told of it', (t) => {
  const { found, decoder } = decode(
    'b 0 0 1024\n',
    printed(1, {
      name: 'npm',
      path: Buffer.from('/usr/bin/npm'),
      args: ['node', '/usr/bin/npm', 'install', ''].map((arg) => Buffer.from(arg)),
    }),
  );
  const [seen] = found.processes;
  if (seen === undefined) return t.fail();
  t.deepEqual(JSON.parse(processLine(seen)(12, () => 1 << 20)), {
    pid: 70,
    command: '/usr/bin/npm install ',
    timestamp: 1_795_352_083,
    type: 'exec',
    seq: 12,
    time: '2026-11-22T12:54:43.140215713Z',
    filename: '/usr/bin/npm',
    argv: ['node', '/usr/bin/npm', 'install', ''],
    ppid: 1,
    uid: 501,
    gid: 20,
    comm: 'npm',
    euid: 502,
    egid: 21,
    session_id: 44,
    start_time: 1_795_352_080_000_007,
    parent: { pid: 1 },
    source: 'dtrace',
  });
  t.deepEqual([decoder.counted, decoder.missed, decoder.unreadable], [1, 0, 0]);
});

test('a program that names itself among its arguments is no script', (t) => {
  const { found } = decode(
    printed(1, { path: Buffer.from('/bin/echo'), args: ['echo', '/bin/echo', 'x'].map((arg) => Buffer.from(arg)) }),
  );
  t.is(found.processes[0]?.callersFrom, 1);
});

test('bytes that are no text are kept as bytes', (t) => {
  const { found } = decode(
    printed(1, { path: Buffer.from([0x2f, 0xff]), args: [Buffer.from('a'), Buffer.from([0x62, 0xfe])] }),
  );
  t.deepEqual(found.processes[0]?.raw, { 'filename': 'L/8=', 'argv[1]': 'Yv4=' });
});

test('uid -2, which D prints with its sign, is what the system shows', (t) => {
  const { found } = decode(printed(1, { ids: '70 1 -2 -2' }));
  t.like(found.processes[0], { uid: 4_294_967_294, gid: 4_294_967_294 });
});

test('arguments that were not told, or may go on, are marked as cut', (t) => {
  const marked = (...pieces: Buffer[]): boolean =>
    decode('b 0 0 16\n', ...pieces).found.processes[0]?.argv_truncated === true;
  t.false(marked(printed(1)));
  t.true(marked(printed(1, { argc: 2 })));
  t.true(marked(printed(1, { args: [Buffer.from('fifteen letters')] })));
});

test('without kernel memory the event has no arguments, and the source says so', (t) => {
  const { found, decoder } = decode('x 0 1 1795352083140215713 70 1 501 20 2:ls,\ne 0 1\n');
  t.is(found.processes[0]?.argv, undefined);
  t.is(found.processes[0]?.filename, 'ls');
  t.is(decoder.limit, 'arguments cannot be read');
});

test('a failed exec names its error', (t) => {
  const { found } = decode('f 0 1 1795352083140215713 70 1 501 20 2 4:bash,\np 0 1 7:/bin/no,\ne 0 1\n');
  t.like(found.processes[0], { type: 'exec_failed', error: 'ENOENT', filename: '/bin/no' });
});

test('each processor has numbers of its own; a jump in them is a loss', (t) => {
  const { found, decoder } = decode(
    printed(1),
    printed(1, { cpu: 3 }),
    printed(4),
    printed(2, { cpu: 3 }),
    'c 0 6\nc 3 2\n',
  );
  t.deepEqual(
    found.all.map((one) => (typeof one === 'string' ? one : one.pid)),
    [70, 70, '2 unknown', 70, 70, '2 unknown'],
  );
  t.deepEqual([decoder.counted, decoder.missed], [8, 4]);
});

test('losses are put down to want of room when dtrace says so', (t) => {
  const { found, decoder } = decode(printed(1));
  t.true(decoder.complaint('dtrace: 12 drops on CPU 0'));
  t.true(decoder.complaint('dtrace: 3 dynamic variable drops with non-empty dirty list'));
  t.false(decoder.complaint('dtrace: 0 drops on CPU 0'));
  t.false(
    decoder.complaint(
      'dtrace: error on enabled probe ID 3 (ID 1: proc:::exec-success): invalid address (0x0) in action #1',
    ),
  );
  decoder.push(Buffer.from('c 0 2\n'));
  decoder.push(Buffer.from('c 0 3\n'));
  t.deepEqual(found.all.slice(1), ['1 ring_full', '1 unknown']);
});

test('another child begins its numbers anew; what the one before left half is told as it is', (t) => {
  const half = printed(2).subarray(0, 60);
  const { found, decoder } = decode(
    printed(1),
    half,
    RESTART_MARK,
    printed(1),
    printed(2),
    printed(5),
    RESTART_MARK,
    printed(4),
  );
  t.deepEqual(
    found.all.map((one) => (typeof one === 'string' ? one : one.pid)),
    [70, 70, 'restarted', 70, 70, '2 unknown', 70, 'restarted', '3 unknown', 70],
  );
  t.is(decoder.unreadable, 1);
});

test('a mark inside a name or an argument is part of it', (t) => {
  const { found } = decode(printed(1, { args: [Buffer.from(`a${RESTART_MARK}${printed(9).toString()}`)] }), printed(2));
  t.is(found.processes.length, 2);
  t.false(found.all.includes('restarted'));
});

test('a number that cannot be is no loss of millions', (t) => {
  const { found, decoder } = decode(printed(1), 'c 0 99999999999\n', printed(2));
  t.is(found.processes.length, 2);
  t.is(decoder.unreadable, 1);
});

const argument = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0)));

test('whatever the arguments, and wherever reading ends: what was printed is what is found', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.array(argument, { maxLength: 6 }), { maxLength: 8 }),
      fc.array(fc.nat(), { maxLength: 20 }),
      (execs, cuts) => {
        const all = Buffer.concat(execs.map((args, i) => printed(i + 1, { args })));
        const ends = [...new Set([0, ...cuts.map((cut) => cut % (all.length + 1)), all.length])].toSorted(
          (a, b) => a - b,
        );
        const { found } = decode(...ends.slice(1).map((end, i) => all.subarray(ends[i], end)));
        t.deepEqual(
          found.processes.map(({ argv, raw }) =>
            argv?.map((text, i) =>
              raw?.[`argv[${i}]`] === undefined
                ? Buffer.from(text)
                : Buffer.from(raw[`argv[${i}]`] as string, 'base64'),
            ),
          ),
          execs,
        );
      },
    ),
    { numRuns: 2000 },
  );
});

test('any bytes whatever are survived, and what follows a newline is found', (t) => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom(
      ...[
        'x 0 1 ',
        'a 0 1 0 99999:',
        '#',
        '#\n',
        '\n',
        'c 0 ',
        'x 9999 1 1 1 1 1 1 1:a,\n',
        `${'7'.repeat(500)}\n`,
      ].map((text) => Buffer.from(text)),
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const { found } = decode(...pieces, `\n${' '.repeat(9000)}\n`, RESTART_MARK, printed(1, { ids: '4242 1 0 0' }));
      t.is(found.processes.at(-1)?.pid, 4242);
      for (const seen of found.processes) parseEvent(processLine(seen)(1, () => 1 << 20));
    }),
    { numRuns: 5000 },
  );
});

test('numbers of any size in any place make an event that a client takes, or none', (t) => {
  const number = fc.oneof(fc.bigInt({ min: -(10n ** 19n), max: 10n ** 19n }), fc.integer().map(BigInt));
  fc.assert(
    fc.property(fc.array(number, { minLength: 15, maxLength: 15 }), (n) => {
      const { found } = decode(
        `x 0 1 ${n.slice(0, 5).join(' ')} 1:a,\ni 0 1 ${n.slice(5, 12).join(' ')}\ne 0 1\n`,
        `f 1 1 ${n.slice(0, 6).join(' ')} 1:a,\ne 1 1\n`,
        `x 2 1 17953520831402157${String(n[12]).slice(-2)} ${n.slice(11).join(' ')} 1:a,\ne 2 1\n`,
      );
      for (const seen of found.processes) parseEvent(processLine(seen)(1, () => 1 << 20));
    }),
    { numRuns: 3000 },
  );
  t.pass();
});
