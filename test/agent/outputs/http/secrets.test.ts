import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { SmallFiles } from '../../../../agent/outputs/network/small-files.ts';
import { linesOf } from '../../support/outputs.ts';
import { eventsIn, Receiver, status, taken, type Answer } from '../../../support/receiver.ts';
import { exec, gap } from '../../support/items.ts';
import { batchFor, emptyFolder, outputFor } from './support.ts';

const ITEMS = [exec(1), exec(2)];

/** A file in a folder of its own. */
function file(content: string | Buffer): string {
  const path = join(emptyFolder(), 'secret');
  writeFileSync(path, content);
  return path;
}

const authorized =
  (header: string, value: () => string): Answer =>
  (received, response, place) => {
    if (received.headers[header] !== value()) return status(401)(received, response, place);
    return taken(received, response, place);
  };

for (const [what, auth, header, value] of [
  ['a token', { token_file: file('t0ken\n') }, 'authorization', 'Bearer t0ken'],
  ['a token of Splunk', { token_file: file('t0ken'), scheme: 'Splunk' }, 'authorization', 'Splunk t0ken'],
  ['a token in a header of its own', { token_file: file('t0ken\r\n'), header: 'X-Api-Key' }, 'x-api-key', 't0ken'],
  [
    'a user and a password',
    { user: 'ada', password_file: file('pä:ss word\n') },
    'authorization',
    `Basic ${Buffer.from('ada:pä:ss word').toString('base64')}`,
  ],
] as const) {
  test(`${what} is read from its file`, async (t) => {
    await using receiver = await new Receiver().listen();
    receiver.answer = authorized(header, () => value);
    await using output = await outputFor(receiver.url, { auth });
    t.is((await output.send(batchFor(output, ITEMS))).kind, 'taken');
  });
}

test('a secret that is replaced is used with the next batch', async (t) => {
  await using receiver = await new Receiver().listen();
  const path = file('old');
  await using output = await outputFor(receiver.url, { auth: { token_file: path } });
  await output.send(batchFor(output, ITEMS));
  writeFileSync(`${path}.new`, 'new');
  renameSync(`${path}.new`, path);
  await output.send(batchFor(output, ITEMS));
  t.deepEqual(
    receiver.requests.map(({ headers }) => headers.authorization),
    ['Bearer old', 'Bearer new'],
  );
});

test('after status 401 or 403 secrets are read again: at once with a new one, later with the same', async (t) => {
  await using receiver = await new Receiver().listen();
  const path = file('old');
  await using output = await outputFor(receiver.url, { auth: { token_file: path } });
  let answers = 0;
  receiver.answer = (received, response, place) => {
    // Replaced while the request is on its way.
    if (answers++ === 0) writeFileSync(path, 'new');
    return authorized('authorization', () => 'Bearer new')(received, response, place);
  };
  t.deepEqual(await output.send(batchFor(output, ITEMS)), { kind: 'taken' });
  t.is(receiver.requests.length, 2);
  for (const code of [401, 403]) {
    receiver.answers.push(status(code, '', { 'Retry-After': '5' }));
    const outcome = await output.send(batchFor(output, ITEMS));
    t.like(outcome, { kind: 'retry', taken: 0 });
    t.regex(
      (outcome as { reason: string }).reason,
      new RegExp(`^status ${code} .*: the receiver does not take the credentials`, 'u'),
    );
    t.true((outcome as { afterMs: number }).afterMs >= 5000);
  }
  t.is(receiver.requests.length, 4, 'it is not sent again at once with the same secret');
});

test('a secret file that goes away, or becomes empty, loses nothing: the batch is to be sent again', async (t) => {
  await using receiver = await new Receiver().listen();
  const path = file('secret');
  await using output = await outputFor(receiver.url, { auth: { token_file: path } });
  renameSync(path, `${path}.away`);
  t.regex(
    ((await output.send(batchFor(output, ITEMS))) as { reason: string }).reason,
    /^cannot read .*: no such file$/u,
  );
  writeFileSync(path, '');
  t.regex(
    ((await output.send(batchFor(output, ITEMS))) as { reason: string }).reason,
    /is empty; write the secret into it$/u,
  );
  t.is(receiver.requests.length, 0);
  writeFileSync(path, 'secret');
  t.is((await output.send(batchFor(output, ITEMS))).kind, 'taken');
});

for (const [what, content, reason] of [
  ['empty', '\n', /is empty/u],
  ['of two lines', 'hunter2\nhunter2\n', /more than one line/u],
  ['no text', Buffer.from([0x68, 0xff, 0xfe]), /no text/u],
  ['not for a header', 'hünter2', /no header can carry/u],
  ['too long', 'h'.repeat(1024 * 1024 + 1), /at most 1048576 are read/u],
] as const) {
  test(`a token file that is ${what} keeps the output from opening, and its content is not shown`, async (t) => {
    const error = (await t.throwsAsync(
      outputFor('https://x.example/', { auth: { token_file: file(content) } }),
    )) as Error;
    t.regex(error.message, reason);
    t.notRegex(error.message, /h[uü]nter2|hhh/u);
  });
}

test('$CREDENTIALS_DIRECTORY is the folder that the service manager names, and an error where there is none', async (t) => {
  const folder = emptyFolder();
  writeFileSync(join(folder, 'soc'), 'secret');
  const path = '$CREDENTIALS_DIRECTORY/soc';
  const files = new SmallFiles([path, undefined], { CREDENTIALS_DIRECTORY: folder });
  t.true(await files.refresh());
  t.is(files.get(path)!.toString(), 'secret');
  t.false(await files.refresh(true));
  await t.throwsAsync(new SmallFiles([path], {}).refresh(), {
    message: /is not set; give the service LoadCredential=/u,
  });
});

/** Refuses what holds number 2, and says all it knows. */
const talkative: Answer = (received, response, place) =>
  eventsIn(received.body).some(({ seq }) => seq === 2)
    ? status(400, `no: ${received.body} ${String(received.headers.authorization)}`)(received, response, place)
    : taken(received, response, place);

test('a refused event goes into the dead_letter file with the reason and the reply, without the secret', async (t) => {
  await using receiver = await new Receiver().listen();
  receiver.answer = talkative;
  const path = join(emptyFolder(), 'dead.jsonl');
  await using output = await outputFor(receiver.url, { auth: { token_file: file('hunter2') }, dead_letter: { path } });
  const outcome = await output.send(batchFor(output, [exec(1), exec(2), gap(3, 4)]));
  t.deepEqual(outcome, { kind: 'refused', reason: 'status 400 (Bad Request)', records: [1] });
  const lines = linesOf(readFileSync(path, 'utf8'));
  t.is(lines.length, 1);
  const letter = JSON.parse(lines[0]!) as { event: object; reply: string };
  t.like(letter, {
    output: 'soc',
    reason: 'status 400 (Bad Request)',
    event: { seq: 2, stream: 'soc', boot_id: 'boot' },
  });
  t.true(letter.reply.startsWith('no: {') && letter.reply.length <= 1024);
  t.notRegex(lines[0]!, /hunter2/u);
  t.is(statSync(path).mode & 0o777, 0o600);
});

test('a dead_letter file that cannot be written is said, and holds up nothing', async (t) => {
  await using receiver = await new Receiver().listen();
  receiver.answer = talkative;
  const folder = join(emptyFolder(), 'there');
  await t.throwsAsync(outputFor(receiver.url, { dead_letter: { path: join(folder, 'dead') } }), {
    message: /cannot open .*its folder does not exist/u,
  });
  mkdirSync(folder);
  await using output = await outputFor(receiver.url, { dead_letter: { path: join(folder, 'dead') } });
  renameSync(folder, `${folder}.away`);
  t.is((await output.send(batchFor(output, [exec(1), exec(2), exec(3)]))).kind, 'refused');
  t.deepEqual(receiver.seqs, [1, 3]);
  t.is(output.raised.filter(({ event }) => event === 'DeadLetterNotKept').length, 1);
});

test('no reason holds the secret or an event, whatever the receiver says', async (t) => {
  await using receiver = await new Receiver().listen();
  const path = file('hunter2');
  await using output = await outputFor(receiver.url, { auth: { user: 'ada', password_file: path } });
  const basic = Buffer.from('ada:hunter2').toString('base64');
  for (const code of [200, 302, 400, 401, 403, 404, 413, 429, 500, 503]) {
    receiver.answer = (received, response, place) =>
      status(code, `hunter2 ${basic} ${received.body}`, {
        'Location': `http://ada:hunter2@x/${basic}`,
        'Retry-After': basic,
        'X-ClickHouse-Exception-Code': 'hunter2',
      })(received, response, place);
    const outcome = await output.send(batchFor(output, ITEMS));
    t.notRegex(
      JSON.stringify([outcome, output.raised]),
      new RegExp(`hunter2|${basic}|/usr/bin/true`, 'u'),
      String(code),
    );
  }
});
