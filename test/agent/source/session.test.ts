import { Buffer } from 'node:buffer';
import test from 'ava';
import type { Item } from '../../../agent/events/item.ts';
import { ReplayFilter, type Continuity } from '../../../agent/source/replay-filter.ts';
import { Session } from '../../../agent/source/session.ts';
import { SourceState } from '../../../agent/source/source-state.ts';
import { EXEC_EXAMPLE } from '../../../shared/events/exec.ts';
import { FORK_EXAMPLE } from '../../../shared/events/fork.ts';
import { HEARTBEAT_EXAMPLE } from '../../../shared/events/heartbeat.ts';
import { HELLO_EXAMPLE } from '../../../shared/events/hello.ts';
import { MAX_LINE_BYTES } from '../../../shared/protocol/limits.ts';
import { execEvent, gapEvent } from '../../support/fake-helper.ts';
import { summary } from '../support/items.ts';
import { received } from '../support/received.ts';

const HELLO = { ...HELLO_EXAMPLE, first_seq: 1, last_seq: 0 };

function makeSession() {
  const heard: string[] = [];
  const out: Item[] = [];
  const session = new Session(new ReplayFilter(), {
    onHello: (_hello, continuity: Continuity) => void heard.push(`hello ${continuity}`),
    onUnreadable: (reason) => void heard.push(reason),
  });
  const receive = (...lines: Array<object | string>) =>
    received(
      session,
      Buffer.from(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')),
      out,
    );
  return { session, receive, out, heard };
}

test('hello is heard; neither hello nor heartbeat becomes an item', (t) => {
  const { receive, out, heard } = makeSession();
  receive(HELLO, execEvent(1), HEARTBEAT_EXAMPLE, execEvent(2));
  t.is(summary(out), '1 2');
  t.deepEqual(heard, ['hello first']);
});

test('an item carries its line exactly as it was received', (t) => {
  const { receive, out } = makeSession();
  const line = `{ "seq":1, "type":"exec","pid":7,  "command":"é\\u000a","timestamp":1,"time":"2023-03-15T13:20:05Z", "later":{"field":1}}`;
  receive(HELLO, line);
  t.is(out[0]!.line, line);
  t.is(out[0]!.bytes, Buffer.byteLength(line) + 1);
});

test('a fork and the environment of an exec arrive as they came, and are counted by type', (t) => {
  const state = new SourceState();
  const out: Item[] = [];
  const session = new Session(new ReplayFilter(), {
    state,
    onHello: () => {},
    onUnreadable: (reason) => t.fail(reason),
  });
  const lines = [
    { ...FORK_EXAMPLE, seq: 1 },
    { ...EXEC_EXAMPLE, seq: 2, env: { LD_PRELOAD: '/tmp/x.so' } },
    { ...EXEC_EXAMPLE, seq: 3, env: { A: '' }, env_repeated: { A: ['b'] }, env_truncated: true },
  ].map((event) => JSON.stringify(event));
  received(session, Buffer.from([JSON.stringify({ ...HELLO, env: ['A'], forks: true }), ...lines, ''].join('\n')), out);
  t.deepEqual(
    out.map(({ line }) => line),
    lines,
  );
  t.like(state.received, { fork: 1, exec: 2, other: 0 });
});

test('memory that is read into again spoils neither an unfinished line nor an event that was asked for; the item says so', (t) => {
  const { session, out } = makeSession();
  const receive = (text: string): void => void received(session, Buffer.from(text), out);
  const line = JSON.stringify(execEvent(1));
  receive(`${JSON.stringify(HELLO)}\n${line}\n${line.slice(0, 200).replace('"seq":1,', '"seq":2,')}`);
  const [first] = out;
  t.is(first!.line, line);
  receive(`${line.slice(200).replace('"seq":1,', '"seq":2,')}\n`);
  t.throws(() => first!.line, { message: /keep its event/ });
  t.is(summary(out.slice(1)), '2');
  const kept = out[1]!.event;
  receive('{"type":"notice"}\n');
  t.is(out[1]!.event, kept);
  t.throws(() => first!.event);
});

test('a line may be cut anywhere, in the middle of a character too', (t) => {
  const { session, out } = makeSession();
  const bytes = Buffer.from(`${JSON.stringify(HELLO)}\n${JSON.stringify(execEvent(1, { command: '/bin/é 日本' }))}\n`);
  for (const byte of bytes) received(session, Buffer.of(byte), out);
  t.is((out[0]!.event as { command: string }).command, '/bin/é 日本');
});

test('a first line that is not hello ends the connection', (t) => {
  const { receive } = makeSession();
  t.throws(() => receive(execEvent(1)), { code: 'HELPER_PROTOCOL', message: /first line is not hello but "exec"/ });
});

test('another protocol version is one clear error, whatever else its hello holds', (t) => {
  const { receive } = makeSession();
  t.throws(() => receive({ type: 'hello', protocol: 2, helper: '9.0.0' }), {
    code: 'HELPER_PROTOCOL',
    message: /the helper \(9\.0\.0\) speaks protocol 2, this agent \(.*\) speaks 1\. Install the same version of both/,
  });
});

test('a hello that lacks a field ends the connection', (t) => {
  const { receive } = makeSession();
  const { boot_id: _, ...rest } = HELLO;
  t.throws(() => receive(rest), { code: 'HELPER_PROTOCOL', message: /hello\.boot_id: missing/ });
});

test('a second hello on one connection ends it', (t) => {
  const { receive } = makeSession();
  t.throws(() => receive(HELLO, HELLO), { code: 'HELPER_PROTOCOL', message: /second hello/ });
});

for (const [what, line] of Object.entries({
  'text that is not JSON': 'secret password=hunter2',
  'an array': '[]',
  'an object without a type': '{"seq":1}',
  'an empty line': '',
})) {
  test(`${what} ends the connection, without its text in the error; what came before is kept`, (t) => {
    const { receive, out } = makeSession();
    const error = t.throws(() => receive(HELLO, execEvent(1), line, execEvent(2)), { code: 'HELPER_PROTOCOL' });
    t.notRegex(error!.message, /hunter2/);
    t.is(summary(out), '1');
  });
}

test('a line beyond the limit ends the connection without being held', (t) => {
  const { session, receive, out } = makeSession();
  receive(HELLO);
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  const error = t.throws(() => {
    for (let i = 0; i <= MAX_LINE_BYTES / chunk.length; i++) received(session, chunk, out);
  });
  t.is(error!.name, 'LineTooLongError');
});

test('an event with a field that does not fit becomes a gap of one and the stream goes on', (t) => {
  const { receive, out, heard } = makeSession();
  receive(HELLO, execEvent(1), { ...execEvent(2), pid: 'x' }, execEvent(3));
  t.is(summary(out), '1 [2-2 pipe unreadable] 3');
  t.deepEqual(heard, ['hello first', 'exec.pid: expected a whole number from 0']);
});

test('an unreadable event without a number is accounted for when the next one arrives', (t) => {
  const { receive, out } = makeSession();
  receive(HELLO, execEvent(1), { ...execEvent(2), seq: 'two' }, execEvent(3));
  t.is(summary(out), '1 [2-2 pipe backlog_overrun] 3');
});

test('a gap whose range and count disagree is not believed', (t) => {
  const { receive, out, heard } = makeSession();
  receive(HELLO, execEvent(1), gapEvent(9, 2), gapEvent(2, 3, { count: 5 }), execEvent(4));
  t.is(summary(out), '1 [2-3 pipe backlog_overrun] 4');
  t.is(heard.length, 3);
});

test('an event of an unknown type passes', (t) => {
  const { receive, out } = makeSession();
  receive(HELLO, { type: 'connect', seq: 1, to: '192.0.2.1' });
  t.is(summary(out), '1');
});

test('long lines are items with their bytes, however they are read', (t) => {
  for (const filler of ['x', '\u0001 "é" \\\\u0000 ']) {
    const { session, receive } = makeSession();
    receive(HELLO);
    const lines = [1, 2, 3].map((seq) => JSON.stringify({ ...EXEC_EXAMPLE, seq, argv: ['a', filler.repeat(70_000)] }));
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    const got: string[] = [];
    for (let at = 0; at < bytes.length; at += 100_000) {
      const out: Item[] = [];
      received(session, bytes.subarray(at, at + 100_000), out);
      got.push(...out.map(({ line }) => line));
    }
    t.true(got.join('\n') === lines.join('\n'));
  }
});

test('a long line that is not an event as it should be is treated as a short one', (t) => {
  const { receive, out, heard } = makeSession();
  const argv = ['x'.repeat(100_000)];
  receive(HELLO, { ...EXEC_EXAMPLE, seq: 1, argv, later: 1 }, { ...EXEC_EXAMPLE, seq: 2, argv, pid: 'x' });
  t.is(summary(out.slice(0, 1)), '1');
  t.is(heard.at(-1), 'exec.pid: expected a whole number from 0');
  t.throws(() => receive(`{"pid":1,"command":"${argv[0]}`), { code: 'HELPER_PROTOCOL' });
});
