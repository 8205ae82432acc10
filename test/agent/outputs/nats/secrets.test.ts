import { renameSync, writeFileSync } from 'node:fs';
import { credsAuthenticator, nkeyAuthenticator } from '@nats-io/transport-node';
import test from 'ava';
import { nkeyOf } from '../../../../agent/outputs/nats/nkey.ts';
import { exec } from '../../support/items.ts';
import { error, StandIn } from './server.ts';
import { batchFor, file, outputFor, reasonIn } from './support.ts';

const SEED = 'SUALBIFYMCE377AXCCZAMIFJBSO2BXHHCUV4KTLTC4KTYX5WHWE3RUTNPA';
const PUBLIC = 'UBOBFWDZEQOIHGWYU3GH2VFMARPVGQ2AZT5SOD72GDKBKK5F5H6PWCEI';
const JWT = 'eyJ0eXAiOiJKV1QifQ.eyJqdGkiOiJ4In0.c2ln-_';
const CREDS = `-----BEGIN NATS USER JWT-----
${JWT}
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.

-----BEGIN USER NKEY SEED-----
${SEED}
------END USER NKEY SEED------

*************************************************************
`;
const NONCE = 'hAzHJ0MX4MZg1Jg';

/** Servers take both alphabets of base64. */
const rawUrl = (text: string): string => Buffer.from(text, 'base64').toString('base64url');

test('a seed gives the public key and the signatures that the official client gives', (t) => {
  const nkey = nkeyOf(SEED)!;
  t.is(nkey.publicKey, PUBLIC);
  for (const nonce of [NONCE, 'a'.repeat(1000)]) {
    const theirs = nkeyAuthenticator(Buffer.from(SEED))(nonce) as { nkey: string; sig: string };
    t.is(nkey.publicKey, theirs.nkey);
    t.is(nkey.sign(nonce), rawUrl(theirs.sig));
  }
});

test('what is no seed of a user is refused', (t) => {
  for (const text of [
    '',
    PUBLIC,
    SEED.slice(0, -1),
    `${SEED}A`,
    SEED.toLowerCase(),
    SEED.replace('B', 'C'),
    'SAAPN4W3EG6KCJGUQTKTJ5GSB5NHK5CHAJL4DBGFUM3HHROI4XUEP4OBK4',
  ])
    t.is(nkeyOf(text), undefined, text);
});

for (const [what, auth, fields] of [
  ['none', undefined, {}],
  ['a user and a password', { user: 'ada', password_file: file('pä ss\n') }, { user: 'ada', pass: 'pä ss' }],
  ['a token', { token_file: file('t0ken\r\n') }, { auth_token: 't0ken' }],
  ['an nkey', { nkey_file: file(`${SEED}\n`) }, { nkey: PUBLIC, sig: nkeyOf(SEED)!.sign(NONCE) }],
  ['credentials', { creds_file: file(CREDS) }, { jwt: JWT, sig: nkeyOf(SEED)!.sign(NONCE) }],
  ['credentials of Windows', { creds_file: file(CREDS.replaceAll('\n', '\r\n')) }, { jwt: JWT }],
] as const) {
  test(`${what}: CONNECT has the right fields`, async (t) => {
    await using server = await new StandIn().listen();
    server.info = { nonce: NONCE, auth_required: true };
    await using output = await outputFor(server.url, { auth });
    t.is((await output.send(batchFor(output, [exec(1)]))).kind, 'taken');
    t.like(server.connects[0], { headers: true, no_responders: true, verbose: false, ...fields });
  });
}

test('credentials are those that the official client reads', async (t) => {
  await using server = await new StandIn().listen();
  server.info = { nonce: NONCE };
  await using output = await outputFor(server.url, { auth: { creds_file: file(CREDS) } });
  await output.send(batchFor(output, [exec(1)]));
  const theirs = credsAuthenticator(Buffer.from(CREDS))(NONCE) as { jwt: string; sig: string };
  t.like(server.connects[0], { jwt: theirs.jwt, sig: rawUrl(theirs.sig) });
});

test('a server that asks for no key gets none', async (t) => {
  await using server = await new StandIn().listen();
  await using output = await outputFor(server.url, { auth: { nkey_file: file(SEED) } });
  t.is((await output.send(batchFor(output, [exec(1)]))).kind, 'taken');
  t.is(server.connects[0]!['sig'], undefined);
});

test('a secret that is replaced is used with the next batch', async (t) => {
  await using server = await new StandIn().listen();
  const path = file('old');
  await using output = await outputFor(server.url, { auth: { token_file: path } });
  await output.send(batchFor(output, [exec(1)]));
  await output.send(batchFor(output, [exec(2)]));
  t.is(server.connects.length, 1);
  writeFileSync(`${path}.new`, 'new');
  renameSync(`${path}.new`, path);
  await output.send(batchFor(output, [exec(3)]));
  t.deepEqual(
    server.connects.map(({ auth_token }) => auth_token),
    ['old', 'new'],
  );
  t.is(server.sockets.size, 1);
});

test('credentials that are refused are read again: at once with new ones, later with the same', async (t) => {
  await using server = await new StandIn().listen();
  const path = file('old');
  await using output = await outputFor(server.url, { auth: { token_file: path } });
  server.refusal = ({ auth_token }) => {
    // Replaced while the agent connects.
    writeFileSync(path, 'new');
    return auth_token === 'new' ? undefined : 'Authorization Violation';
  };
  t.is((await output.send(batchFor(output, [exec(1)]))).kind, 'taken');
  t.is(server.connects.length, 2);
  for (const text of [
    'Authorization Violation',
    'Authentication Timeout',
    'User Authentication Expired',
    'User Authentication Revoked',
    'Account Authentication Expired',
  ]) {
    for (const socket of server.sockets) socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    server.refusal = () => text;
    const before = server.connects.length;
    const outcome = await output.send(batchFor(output, [exec(2)]));
    t.is(reasonIn(outcome), 'the server does not take the credentials; see auth');
    t.is(server.connects.length, before + 1, 'it does not try again at once with the same');
  }
});

test('credentials that expire on an open connection: the batch is to be sent again, with those in the file', async (t) => {
  await using server = await new StandIn().listen();
  const path = file('old');
  await using output = await outputFor(server.url, { auth: { token_file: path } });
  server.answers.push((_, place) => {
    writeFileSync(path, 'new');
    for (const socket of place.sockets) socket.end("-ERR 'User Authentication Expired'\r\n");
    return undefined;
  });
  t.is(reasonIn(await output.send(batchFor(output, [exec(1)]))), 'the server does not take the credentials; see auth');
  t.is((await output.send(batchFor(output, [exec(1)]))).kind, 'taken');
  t.is(server.connects[1]!['auth_token'], 'new');
});

test('a secret file that goes away, or becomes empty, loses nothing: the batch is to be sent again', async (t) => {
  await using server = await new StandIn().listen();
  const path = file('secret');
  await using output = await outputFor(server.url, { auth: { token_file: path } });
  renameSync(path, `${path}.away`);
  t.regex(reasonIn(await output.send(batchFor(output, [exec(1)]))), /^cannot read .*: no such file$/u);
  writeFileSync(path, '');
  t.regex(reasonIn(await output.send(batchFor(output, [exec(1)]))), /is empty; write the secret into it$/u);
  t.is(server.published.length, 0);
  writeFileSync(path, 'secret');
  t.is((await output.send(batchFor(output, [exec(1)]))).kind, 'taken');
});

for (const [what, auth, reason] of [
  ['an nkey', { nkey_file: file('SUHUNTER2') }, /holds no seed of a user's nkey/u],
  ['credentials', { creds_file: file('hunter2') }, /holds no credentials of a NATS user/u],
  ['credentials with a wrong seed', { creds_file: file(CREDS.replace(SEED, 'SUHUNTER2')) }, /holds no credentials/u],
  ['credentials without a JWT', { creds_file: file(CREDS.replace(JWT, '')) }, /holds no credentials/u],
  ['a token of two lines', { token_file: file('hunter2\nhunter2\n') }, /more than one line/u],
] as const) {
  test(`a file without ${what} keeps the output from opening, and its content is not shown`, async (t) => {
    const thrown = (await t.throwsAsync(outputFor('nats://x.example', { auth }))) as Error;
    t.regex(thrown.message, reason);
    t.notRegex(thrown.message, /hunter2/iu);
  });
}

test('no reason holds the secret or an event, whatever the server says; a dead letter does not hold the secret', async (t) => {
  await using server = await new StandIn().listen();
  await using output = await outputFor(server.url, { auth: { user: 'ada', password_file: file('hunter2') } });
  const texts = [];
  for (const text of [
    'hunter2 /usr/bin/true',
    '{"error":{"description":"hunter2 /usr/bin/true","err_code":"hunter2"}}',
  ]) {
    server.answer = () => text;
    texts.push(await output.send(batchFor(output, [exec(1)])));
  }
  server.answer = error(10_054, 'hunter2 /usr/bin/true');
  texts.push(await output.send(batchFor(output, [exec(1)])));
  server.refusal = () => 'hunter2 /usr/bin/true';
  for (const socket of server.sockets) socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 20));
  texts.push(await output.send(batchFor(output, [exec(1)])));
  t.notRegex(JSON.stringify([texts, output.raised]), /hunter2|\/usr\/bin\/true/u);
});
