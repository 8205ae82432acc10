import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { exec } from '../../support/items.ts';
import { batchFor, emptyFolder, GREETING, Listener, outputFor, RelpReceiver, StreamReceiver } from './support.ts';

const ITEMS = [exec(1), exec(2)];

const saying =
  (text: string, end = true) =>
  (socket: Socket): void =>
    void socket.once('data', () => (end ? socket.end(text) : socket.write(text)));

/** Writes for as long as it is read. */
function flood(piece: string) {
  return (socket: Socket): void => {
    const more = (): void => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', more);
    socket.once('data', more);
  };
}

const slowly =
  (piece: string) =>
  (socket: Socket): void => {
    const timer = setInterval(() => socket.write(piece), 20);
    socket.on('close', () => clearInterval(timer)).resume();
  };

const NO_RELP = /^the receiver does not answer in RELP; check address and transport/u;
const ENDED = /^the receiver ended the connection/u;
const TIMEOUT = /\(timeout\)$/u;

for (const [what, serve, reason] of [
  ['answers garbage', saying('\0\u0001 garbage\n', false), NO_RELP],
  ['speaks another protocol', (socket) => socket.write('220 mail.example ESMTP\r\n'), NO_RELP],
  ['echoes', (socket) => socket.pipe(socket), NO_RELP],
  ['answers half a frame', saying('1 rsp 60 200 O'), ENDED],
  ['announces a frame that is too long', saying('1 rsp 99999999 200 OK', false), NO_RELP],
  ['refuses the session', saying('1 rsp 9 500 hush!\n', false), /^the receiver refuses the session: status 500$/u],
  ['answers without a status', saying('1 rsp 5 hello\n', false), /^the receiver refuses the session: status unknown$/u],
  [
    'takes other commands alone',
    saying('1 rsp 32 200 OK\nrelp_version=0\ncommands=x\n', false),
    /^the receiver takes no syslog over RELP$/u,
  ],
  ['closes at once', (socket) => socket.destroy(), ENDED],
  ['closes after the first frame', (socket) => void socket.once('data', () => socket.end()), ENDED],
  ['resets the connection', (socket) => void socket.once('data', () => socket.resetAndDestroy()), ENDED],
  ['says nothing at all', (socket) => socket.resume(), TIMEOUT],
  ['never reads', (socket) => socket.pause(), TIMEOUT],
  ['answers slowly', slowly('1'), NO_RELP],
  ['answers a slow frame', slowlyAfter('1 rsp 9999 ', 'x'), TIMEOUT],
  ['ends the session', (socket) => socket.write('0 serverclose 0\n'), /^the receiver ends the session/u],
  ['sends frames without end', flood('0 hint 3 abc\n'), NO_RELP],
  ['sends garbage without end', flood('x'.repeat(10_000)), NO_RELP],
] as ReadonlyArray<readonly [string, (socket: Socket) => void, RegExp]>) {
  test.serial(`a RELP receiver that ${what}: the batch is to be sent again`, async (t) => {
    await using server = await new Listener(serve).listen();
    const timeout = reason === TIMEOUT ? '300ms' : '20s';
    await using output = await outputFor({ transport: 'relp', address: server.address, timeout });
    const begun = performance.now();
    const outcome = await output.send(batchFor(output, ITEMS));
    t.true(performance.now() - begun < 15_000);
    t.like(outcome, { kind: 'retry', taken: 0 });
    t.regex((outcome as { reason: string }).reason, reason);
    t.notRegex((outcome as { reason: string }).reason, /hush|hello|garbage|ESMTP/u);
    await output.close();
    await gone(server);
  });
}

function slowlyAfter(begin: string, piece: string) {
  return (socket: Socket): void => {
    socket.write(begin);
    slowly(piece)(socket);
  };
}

/** Resolves when no connection is left. */
async function gone(server: Listener): Promise<void> {
  await Promise.all(
    [...server.sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve).resume())),
  );
}

for (const [what, answer, reason] of [
  ['answers nothing to a message', () => undefined, /^no answer in time \(timeout\)$/u],
  ['answers with an unknown status', ({ reply }) => reply('300 hush'), /^the receiver answers status 300$/u],
  ['answers without a status', ({ reply }) => reply('hush'), /^the receiver answers status unknown$/u],
  [
    'answers what was not asked',
    ({ socket }) => void socket.write('4711 rsp 6 200 OK\n'),
    /^the receiver answers what it was not asked$/u,
  ],
  [
    'answers twice',
    ({ reply }) => {
      reply('200 OK');
      reply('200 OK');
    },
    /^the receiver answers what it was not asked$/u,
  ],
  ['ends in the middle', ({ socket }) => void socket.end(), ENDED],
] as ReadonlyArray<readonly [string, RelpReceiver['answer'], RegExp]>) {
  test.serial(`a RELP receiver that greets well and ${what}: nothing counts that it did not say`, async (t) => {
    await using receiver = await new RelpReceiver().listen();
    await using output = await outputFor({ transport: 'relp', address: receiver.address, timeout: '500ms' });
    receiver.answer = answer;
    const batch = batchFor(output, [exec(1), exec(2), exec(3)]);
    const outcome = (await output.send(batch)) as { kind: string; reason: string; taken: number };
    t.is(outcome.kind, 'retry');
    t.regex(outcome.reason, reason);
    t.true(outcome.taken <= receiver.messages.length);
    receiver.answer = ({ reply }) => reply('200 OK');
    batch.advance(outcome.taken);
    t.deepEqual(await output.send(batch), { kind: 'taken' });
    t.deepEqual(new Set(receiver.numbers), new Set([1, 2, 3]));
  });
}

test.serial('a RELP receiver that is slow, but goes on, is waited for', async (t) => {
  await using receiver = await new RelpReceiver().listen();
  await using output = await outputFor({ transport: 'relp', address: receiver.address, timeout: '1s' });
  receiver.answer = ({ reply }) => void setTimeout(() => reply('200 OK'), receiver.questions.length * 60);
  const items = Array.from({ length: 30 }, (_, i) => exec(i + 1));
  t.deepEqual(await output.send(batchFor(output, items)), { kind: 'taken' });
});

test.serial('a RELP receiver that offers nothing is given the messages', async (t) => {
  await using receiver = await new RelpReceiver().listen();
  receiver.greet = ({ reply }) => reply(GREETING.split('\n', 1)[0]!);
  await using output = await outputFor({ transport: 'relp', address: receiver.address });
  t.deepEqual(await output.send(batchFor(output, ITEMS)), { kind: 'taken' });
});

for (const [what, serve, reason] of [
  ['closes at once', (socket) => socket.destroy(), ENDED],
  ['resets at once', (socket) => socket.resetAndDestroy(), ENDED],
  [
    'greets, as a mail server does',
    (socket) => socket.write('220 hush\r\n'),
    /^the receiver answers, which no syslog/u,
  ],
  ['talks without end', slowly('x'), /^the receiver answers, which no syslog/u],
  [
    'never reads',
    (socket) => socket.pause(),
    /^the receiver takes nothing more \(timeout\); what was on its way may be lost$/u,
  ],
] as ReadonlyArray<readonly [string, (socket: Socket) => void, RegExp]>) {
  test.serial(`a receiver over TCP that ${what}: the batch is to be sent again`, async (t) => {
    await using server = await new Listener(serve).listen();
    await using output = await outputFor({ transport: 'tcp', address: server.address, timeout: '500ms' });
    // More than the kernel holds for a receiver that does not read.
    const items = Array.from({ length: reason.source.includes('timeout') ? 40_000 : 2 }, () => exec(1));
    const outcome = await output.send(batchFor(output, items));
    t.like(outcome, { kind: 'retry', taken: 0 });
    t.regex((outcome as { reason: string }).reason, reason);
    await output.send(batchFor(output, ITEMS));
    t.is(server.connections, 2, 'the next batch gets a new connection at once');
  });
}

test.serial(
  'a receiver over TCP that has gone is noticed before the next batch, which it gets when it is back',
  async (t) => {
    await using receiver = await new StreamReceiver().listen();
    await using output = await outputFor({ transport: 'tcp', address: receiver.address });
    t.deepEqual(await output.send(batchFor(output, [exec(1)])), { kind: 'taken' });
    await until(() => receiver.messages.length === 1);
    await receiver.stop();
    const batch = batchFor(output, [exec(2)]);
    for (const reason of [
      'the receiver ended the connection (ECONNRESET); what was on its way may be lost',
      'nobody listens there (ECONNREFUSED)',
    ])
      t.deepEqual(await output.send(batch), { kind: 'retry', reason, taken: 0 });
    await receiver.listen();
    t.deepEqual(await output.send(batch), { kind: 'taken' });
    await until(() => receiver.messages.length === 2);
    t.deepEqual(receiver.numbers, [1, 2]);
  },
);

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !what(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  if (!what()) throw new Error(`waited in vain for ${String(what)}`);
}

test.serial('nobody listens, and names that do not exist: the batch is to be sent again', async (t) => {
  for (const transport of ['relp', 'tcp']) {
    await using output = await outputFor({ transport, address: 'nowhere.invalid:1' });
    t.regex(
      ((await output.send(batchFor(output, ITEMS))) as { reason: string }).reason,
      /^its name (?:is not known|could not be resolved just now)/u,
    );
  }
});

test.serial('Unix sockets: messages arrive; a missing one and one for datagrams are named', async (t) => {
  const path = join(emptyFolder(), 'socket');
  const send = async (): Promise<string> => {
    await using output = await outputFor({ transport: 'unix', path });
    const outcome = await output.send(batchFor(output, ITEMS));
    return outcome.kind === 'retry' ? outcome.reason : outcome.kind;
  };
  t.is(await send(), 'there is no such socket (ENOENT)');
  {
    await using receiver = await new StreamReceiver().listen(path);
    t.is(await send(), 'taken');
    await until(() => receiver.messages.length === 2);
    t.deepEqual(receiver.numbers, [1, 2]);
  }
  const program =
    'import socket,sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); print(1, flush=True); sys.stdin.read()';
  const holder = spawn('python3', ['-c', program, path]);
  await once(holder.stdout, 'data');
  t.regex(await send(), /^that is a datagram socket, .* \(rsyslog: imptcp\) \(EPROTOTYPE\)$/u);
  holder.stdin.end();
  await once(holder, 'close');
});
