import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Canary } from '../../helper/macos/child/canary.ts';
import { ChildSource } from '../../helper/macos/child/child-source.ts';
import { Complaints } from '../../helper/macos/child/complaints.ts';
import { BoundedLines } from '../../helper/macos/child/lines.ts';
import { processLine } from '../../helper/macos/child/process-line.ts';
import { Clock } from '../../helper/stream/clock.ts';
import { DtraceDecoder } from '../../helper/macos/dtrace/dtrace-decoder.ts';
import {
  CHILD_BURST_BYTES,
  CHILD_BURST_TURNS,
  COMPLAINTS_PER_MINUTE,
  MAX_COMPLAINT_BYTES,
} from '../../helper/limits.ts';
import { Backlog } from '../../helper/pipe/backlog.ts';
import { HelperState } from '../../helper/stream/state.ts';
import { EventStream } from '../../helper/stream/stream.ts';
import { decode, printed } from '../dtrace/support.ts';

/** A source on pipes of its own, of which the test writes the output. */
function sourceOn(t: ExecutionContext): { source: ChildSource; state: HelperState; print: (bytes: Buffer) => void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'child-source-'));
  const [output = 0, errors = 0, again = 0] = ['output', 'errors', 'again'].map((name) => {
    const file = path.join(folder, name);
    spawnSync('mkfifo', [file]);
    return openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
  });
  t.teardown(() => {
    for (const fd of [output, errors, again]) closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  const moment = () => ({ seconds: 1, nanoseconds: 0 });
  const state = new HelperState(new ArrayBuffer(HelperState.bytesFor(0)), 0);
  state.begin(1000, moment());
  const backlog = new Backlog(Buffer.alloc(1 << 20), state, () => state.commit());
  const stream = new EventStream(backlog, state, new Clock({ boot: moment, wall: moment }, state.epoch));
  const source = new ChildSource({
    description: { platform: 'darwin', source: 'dtrace', boot_id: 'b', probe_sha256: '0', programs: [], ns: {} },
    limits: ['a limit'],
    decoder: (findings) => new DtraceDecoder(findings),
    pipes: { output, errors, again },
    whenReadable: () => {},
    canary: new Canary({ path: '/bin/true', args: [] }),
    stream,
    state,
  });
  return { source, state, print: (bytes) => void writeSync(output, bytes) };
}

test('after much at once the pipe is looked into again for a while, after little it is not', (t) => {
  const { source, state, print } = sourceOn(t);
  t.false(source.drain());
  print(printed(1));
  t.false(source.drain());
  t.is(state.lastSeq, 1000);
  print(Buffer.concat(Array.from({ length: 200 }, (_, i) => printed(i + 2))));
  t.true(200 * printed(2).length > CHILD_BURST_BYTES);
  let turns = 0;
  while (source.drain()) turns++;
  t.is(state.lastSeq, 1200);
  t.is(turns, CHILD_BURST_TURNS - 1);
});

test('kernel count, numbers and losses agree; what limits the source is told', (t) => {
  const { source, state, print } = sourceOn(t);
  print(Buffer.concat([printed(1), printed(4), Buffer.from('\n#\n'), printed(2)]));
  source.drain();
  t.deepEqual(source.count(), { events: 7, lost: 4 });
  t.is(state.lastSeq - state.firstSeq + 1, 7);
  t.deepEqual(source.description.limits, ['a limit']);
});

test('so many complaints a minute are passed on, each cut; how many were left out is told', (t) => {
  const said: string[] = [];
  const complaints = new Complaints(
    (line) => line === 'known',
    (text) => said.push(text),
  );
  complaints.push(Buffer.from(`known\n\n${'long '.repeat(1000)}\n${'no\n'.repeat(100)}half`), 0);
  t.is(said.length, COMPLAINTS_PER_MINUTE);
  t.is(said[0]?.length, MAX_COMPLAINT_BYTES);
  complaints.push(Buffer.from(' a line\n'), 60_000);
  t.deepEqual(said.slice(COMPLAINTS_PER_MINUTE), ['81 more lines were suppressed', 'half a line']);
});

test('a line without end takes no more memory than its bound', (t) => {
  const lines: string[] = [];
  let tooLong = 0;
  const bounded = new BoundedLines(
    10,
    (line) => lines.push(line.toString()),
    () => tooLong++,
  );
  for (let i = 0; i < 1000; i++) bounded.push(Buffer.alloc(1 << 16, 'x'));
  bounded.push(Buffer.from('\n0123456789\n01234567890\n\nlast'));
  bounded.push(Buffer.from('\n'));
  t.deepEqual(lines, ['0123456789', '', 'last']);
  t.is(tooLong, 2);
});

test('an event that does not fit loses arguments, the largest first, and what belongs to them', (t) => {
  const args = ['echo', 'small', 'x'.repeat(5000), 'last'].map((text) => Buffer.from(text));
  const [seen] = decode(printed(1, { args: [...args, Buffer.from([0xff])] })).found.processes;
  if (seen === undefined) return t.fail();
  const line = processLine(seen)(1, () => 3000);
  t.true(Buffer.byteLength(line) <= 3000);
  const event = JSON.parse(line) as { argv: string[]; argv_truncated?: boolean; command: string };
  t.like(event, { argv_truncated: true });
  t.deepEqual([event.argv[0], event.argv[1], event.argv[3]], ['echo', 'small', 'last']);
  t.true((event.argv[2]?.length ?? 0) > 500);
  const many = decode(printed(1, { args: Array.from({ length: 60 }, () => Buffer.from([0x61, 0xff])) })).found
    .processes[0];
  const short = JSON.parse(processLine(many ?? seen)(1, () => 900)) as { argv: string[]; raw: Record<string, string> };
  t.is(Object.keys(short.raw).length, short.argv.length);
});

test('a canary is recognised once, by its process id; one that is not told of in time is missed', async (t) => {
  const canary = new Canary({ path: '/bin/true', args: [] }, { intervalMs: 1000, patienceMs: 2500 });
  const [template] = decode(printed(1)).found.processes;
  if (template === undefined) return t.fail();
  t.deepEqual(
    [0, 500, 1000, 2000].map((now) => canary.tick(now)),
    [0, 0, 0, 0],
  );
  t.false(canary.recognises({ ...template, pid: 1 }));
  t.is(canary.tick(2600), 1);
  t.true(canary.blind);
  t.false(canary.givesUp());
  t.is(canary.tick(4600), 2);
  t.true(canary.givesUp());
  t.false(canary.givesUp());
});
