import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Connection } from '../../../../agent/outputs/syslog/connection.ts';
import { RelpSession } from '../../../../agent/outputs/syslog/relp/session.ts';
import { exec, gap } from '../../support/items.ts';
import { linesOf } from '../../support/outputs.ts';
import { batchFor, emptyFolder, numberIn, outputFor, RelpReceiver, type Question } from './support.ts';

const many = (count: number) => Array.from({ length: count }, (_, i) => exec(i + 1));
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

async function sending(receiver: RelpReceiver, more: object = {}) {
  return outputFor({ transport: 'relp', address: receiver.address, ...more });
}

test('a batch counts as taken when every message of it is acknowledged, and arrives in order', async (t) => {
  await using receiver = await new RelpReceiver().listen();
  await using output = await sending(receiver);
  t.deepEqual(await output.send(batchFor(output, [exec(1), gap(2, 4), exec(5)])), { kind: 'taken' });
  t.deepEqual(await output.send(batchFor(output, [exec(6)])), { kind: 'taken' });
  t.deepEqual(receiver.numbers, [1, '2-4', 5, 6]);
  t.is(receiver.connections, 1, 'one session');
  const { command, transaction, data } = receiver.questions[0]!;
  t.deepEqual([transaction, command], [1, 'open']);
  t.regex(data, /^relp_version=0\nrelp_software=platform-probes,\S+\ncommands=syslog$/u);
  t.regex(
    receiver.messages[0]!,
    /^<30>1 2023-03-15T13:20:00\.123456Z \S+ platform-probes - exec - \{"pid":1001,.*\}$/u,
  );
  await output.close();
  t.is(receiver.questions.at(-1)!.command, 'close');
});

test('no more than 128 messages wait for an answer', async (t) => {
  await using receiver = await new RelpReceiver().listen();
  await using output = await sending(receiver);
  const open: Question[] = [];
  const counts: number[] = [];
  let quiet: NodeJS.Timeout | undefined;
  // Answers when nothing more comes.
  receiver.answer = (question) => {
    open.push(question);
    clearTimeout(quiet);
    quiet = setTimeout(() => {
      counts.push(open.length);
      for (const { reply } of open.splice(0)) reply('200 OK');
    }, 100);
  };
  t.deepEqual(await output.send(batchFor(output, many(500))), { kind: 'taken' });
  t.deepEqual(counts, [128, 128, 128, 116]);
  t.deepEqual(receiver.numbers, numbers(500));
});

test('while answers come, or max_rate makes it wait, the batch is known to be worked on', async (t) => {
  await using receiver = await new RelpReceiver().listen();
  await using output = await sending(receiver, { max_rate: 1000 });
  const open: Question[] = [];
  const worked: boolean[] = [];
  const batch = batchFor(output, many(200));
  receiver.answer = (question) => {
    if (open.push(question) < 64) return;
    worked.push(batch.workedOnAt > 0);
    batch.workedOnAt = 0;
    for (const { reply } of open.splice(0)) reply('200 OK');
  };
  batch.workedOnAt = 0;
  const sent = output.send(batch);
  while (worked.length < 3) await new Promise((resolve) => void setImmediate(resolve));
  for (const { reply } of open.splice(0)) reply('200 OK');
  receiver.answer = ({ reply }) => reply('200 OK');
  for (const { reply } of open.splice(0)) reply('200 OK');
  t.deepEqual(await sent, { kind: 'taken' });
  // When there was room for more, at the begin and after answers.
  t.true(worked[0] === true && worked.slice(1).includes(true), worked.join());
  // The next 200 have to wait for the rate.
  const next = batchFor(output, many(2));
  next.workedOnAt = 0;
  await output.send(next);
  t.true(next.workedOnAt > 0);
});

test('answers in another order are as good', async (t) => {
  await using receiver = await new RelpReceiver().listen();
  await using output = await sending(receiver);
  const open: Question[] = [];
  receiver.answer = (question) => {
    if (open.push(question) === 10) for (const { reply } of open.splice(0).toReversed()) reply('200 OK');
  };
  t.deepEqual(await output.send(batchFor(output, many(40))), { kind: 'taken' });
});

test('status 500 refuses that message alone, and it goes into the dead letters as it was', async (t) => {
  await using receiver = await new RelpReceiver().listen();
  const path = join(emptyFolder(), 'dead.jsonl');
  await using output = await sending(receiver, { dead_letter: { path } });
  receiver.answer = ({ data, reply }) => reply([2, 17].includes(numberIn(data) as number) ? '500 no' : '200 OK');
  t.deepEqual(await output.send(batchFor(output, many(40))), {
    kind: 'refused',
    reason: 'the receiver refuses it: status 500',
    records: [1, 16],
    through: 40,
  });
  t.deepEqual(
    receiver.numbers,
    numbers(40).filter((seq) => seq !== 2 && seq !== 17),
  );
  const letters = linesOf(readFileSync(path, 'utf8')).map((line) => JSON.parse(line) as { event: { seq: number } });
  t.deepEqual(
    letters.map(({ event }) => event.seq),
    [2, 17],
  );
  t.like(letters[0], { output: 'soc', reason: 'the receiver refuses it: status 500', event: { stream: 'soc' } });
});

test('a connection that ends: what is acknowledged without a hole counts, the rest is sent again', async (t) => {
  await using receiver = await new RelpReceiver().listen();
  await using output = await sending(receiver);
  receiver.answer = ({ data, reply, socket }) => {
    const seq = numberIn(data) as number;
    // The answer to 5 is missing; those to 6 and 7 come.
    if (seq !== 5) reply('200 OK');
    if (seq === 7) socket.end();
  };
  const batch = batchFor(output, many(9));
  t.deepEqual(await output.send(batch), { kind: 'retry', reason: 'the receiver ended the connection', taken: 4 });
  receiver.answer = ({ reply }) => reply('200 OK');
  batch.advance(4);
  t.deepEqual(await output.send(batch), { kind: 'taken' });
  t.deepEqual([...new Set(receiver.numbers.slice(-5))], [5, 6, 7, 8, 9]);
});

test('a refusal in front of the end of the connection is settled, one behind it is asked for again', async (t) => {
  await using receiver = await new RelpReceiver().listen();
  await using output = await sending(receiver);
  receiver.answer = ({ data, reply, socket }) => {
    const seq = numberIn(data) as number;
    if (seq !== 4) reply(seq === 2 || seq === 5 ? '500 no' : '200 OK');
    if (seq === 6) socket.end();
  };
  t.like(await output.send(batchFor(output, many(8))), { kind: 'refused', records: [1], through: 3 });
});

test('a session that the receiver ends while it is idle is no failure: the next batch opens another', async (t) => {
  await using receiver = await new RelpReceiver().listen();
  await using output = await sending(receiver);
  for (let i = 1; i <= 3; i++) {
    t.deepEqual(await output.send(batchFor(output, [exec(i)])), { kind: 'taken' });
    const [socket] = receiver.sockets;
    socket!.end('0 serverclose 0\n');
    await new Promise((resolve) => socket!.once('close', resolve));
  }
  t.deepEqual(receiver.numbers, [1, 2, 3]);
  t.is(receiver.connections, 3);
});

test('a message beyond max_message_bytes is refused here, and the others arrive', async (t) => {
  await using receiver = await new RelpReceiver().listen();
  await using output = await sending(receiver, { max_message_bytes: '1KiB' });
  const long = (seq: number) => gap(seq, seq, { cause: 'x'.repeat(2000) });
  t.deepEqual(await output.send(batchFor(output, [long(1), exec(2), long(3), exec(4), long(5)])), {
    kind: 'refused',
    reason: 'longer than max_message_bytes',
    records: [0, 2, 4],
    through: 5,
  });
  t.deepEqual(receiver.numbers, [2, 4]);
  t.like(await output.send(batchFor(output, [long(6)])), { kind: 'refused', records: [0] });
});

test('a message that is too long is settled in its turn, not while one in front of it waits', async (t) => {
  await using receiver = await new RelpReceiver().listen();
  await using output = await sending(receiver, { max_message_bytes: '1KiB' });
  receiver.answer = ({ data, reply, socket }) => (numberIn(data) === 3 ? socket.end() : reply('200 OK'));
  const long = (seq: number) => gap(seq, seq, { cause: 'x'.repeat(2000) });
  const batch = batchFor(output, [exec(1), long(2), exec(3), long(4)]);
  t.like(await output.send(batch), { kind: 'refused', records: [1], through: 2 });
  batch.advance(2);
  t.like(await output.send(batch), { kind: 'retry', taken: 0 });
  receiver.answer = ({ reply }) => reply('200 OK');
  t.like(await output.send(batch), { kind: 'refused', records: [1], through: 2 });
});

test('a long message passes whole, among short ones', async (t) => {
  await using receiver = await new RelpReceiver().listen();
  await using output = await sending(receiver);
  const long = (seq: number) => gap(seq, seq, { cause: `${'x'.repeat(3_000_000)}ü` });
  t.deepEqual(await output.send(batchFor(output, [exec(1), long(2), exec(3), long(4), exec(5)])), { kind: 'taken' });
  t.deepEqual(receiver.numbers, [1, '2-2', 3, '4-4', 5]);
  t.true(receiver.messages[1]!.includes('xü"'));
});

test('after transaction 999999999 comes 1', async (t) => {
  await using receiver = await new RelpReceiver().listen();
  const [host, port] = receiver.address.split(':');
  const session = await RelpSession.open({ target: { host: host!, port: Number(port) }, timeoutMs: 5000 }, 999_999_990);
  const sent = await session.send({
    count: 20,
    at: (i) => [Buffer.from('<30>1 '), Buffer.from(`{"type":"x","seq":${i}}`)],
  });
  t.deepEqual(sent, { settled: 20, refused: [] });
  const transactions = receiver.questions.map(({ transaction }) => transaction);
  t.deepEqual(transactions.slice(8, 12), [999_999_998, 999_999_999, 1, 2]);
  await session.close();
});

test('max_rate spreads what is sent, and makes batches of a second at most', async (t) => {
  await using receiver = await new RelpReceiver().listen();
  await using output = await sending(receiver, { max_rate: 100 });
  t.is(output.limits.records, 100);
  const begun = performance.now();
  for (let i = 0; i < 3; i++) await output.send(batchFor(output, many(20)));
  t.true(performance.now() - begun >= 390, 'the third waits for the first two');
});

test('a long write tells of each part; one on a connection that has ended throws the reason', async (t) => {
  await using receiver = await new RelpReceiver().listen();
  const [host, port] = receiver.address.split(':');
  const connection = await Connection.open({ target: { host: host!, port: Number(port) }, timeoutMs: 5000 });
  let parts = 0;
  connection.onChange = () => void parts++;
  await connection.write([Buffer.alloc(1024 * 1024 - 1)]);
  t.is(parts, 16, 'each part that leaves is progress');
  connection.fail('enough');
  await t.throwsAsync(connection.write([Buffer.from('x')]), { message: 'enough' });
  connection.fail('more');
  t.is(connection.problem?.message, 'enough');
  await connection.end(1000);
});
