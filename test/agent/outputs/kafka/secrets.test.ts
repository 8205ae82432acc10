import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { API, KafkaBroker } from '../../../support/kafka/broker.ts';
import type { SaslOptions } from '../../../support/kafka/sasl.ts';
import { linesOf } from '../../support/outputs.ts';
import { exec } from '../../support/items.ts';
import { batchFor, emptyFolder, file, outputFor, sent } from './support.ts';

const ITEMS = [exec(1), exec(2)];
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

const asking = (more: Partial<SaslOptions> = {}): { sasl: SaslOptions } => ({
  sasl: { mechanisms: MECHANISMS.map((name) => name.toUpperCase()), user: 'ada', password: 'hunter2', ...more },
});

for (const mechanism of MECHANISMS) {
  test(`${mechanism}: the right password opens, a wrong one is named, and a new one in the file is used at once`, async (t) => {
    const password_file = file('hunter2\n');
    await using broker = await new KafkaBroker(asking()).listen();
    await using output = await outputFor(broker.address, { auth: { mechanism, user: 'ada', password_file } });
    t.is(await sent(output, ITEMS), 'taken');
    broker.options.sasl!.password = 'hunter3';
    broker.cut();
    t.regex(
      await sent(output, ITEMS),
      /: SASL_AUTHENTICATION_FAILED \(58\): see auth: the user or the password is wrong$/u,
    );
    // The file changes while the batch is on its way: read again because the broker refuses.
    broker.answer = ({ api }) => {
      if (api === API.saslHandshake) writeFileSync(password_file, 'hunter3');
      return undefined;
    };
    t.is(await sent(output, ITEMS), 'taken');
    t.notRegex(JSON.stringify(output.raised), /hunter/u);
  });
}

test('scram-sha-512 is used unless another mechanism is named', async (t) => {
  await using broker = await new KafkaBroker(asking({ mechanisms: ['SCRAM-SHA-512'] })).listen();
  const auth = { user: 'ada', password_file: file('hunter2') };
  await using output = await outputFor(broker.address, { auth });
  t.is(await sent(output, ITEMS), 'taken');
});

test('a user and a password may have any characters', async (t) => {
  for (const mechanism of MECHANISMS) {
    await using broker = await new KafkaBroker(asking({ user: 'a=d,ä', password: 'pä=ss, word' })).listen();
    const auth = { mechanism, user: 'a=d,ä', password_file: file('pä=ss, word\n') };
    await using output = await outputFor(broker.address, { auth });
    t.is(await sent(output, ITEMS), 'taken', mechanism);
  }
});

test('a mechanism that the broker does not offer is named, with those that it does', async (t) => {
  await using broker = await new KafkaBroker(asking({ mechanisms: ['GSSAPI', 'PLAIN', 'hunter2 \n'] })).listen();
  await using output = await outputFor(broker.address, { auth: { user: 'ada', password_file: file('hunter2') } });
  t.regex(await sent(output, ITEMS), /: UNSUPPORTED_SASL_MECHANISM \(33\); it offers GSSAPI, PLAIN$/u);
});

test('a broker that asks for no password, and one that asks for one, are named', async (t) => {
  await using open = await new KafkaBroker().listen();
  const auth = { user: 'ada', password_file: file('hunter2') };
  await using output = await outputFor(open.address, { auth });
  t.regex(await sent(output, ITEMS), /it does not speak SaslAuthenticate|ILLEGAL_SASL_STATE/u);
  await using closed = await new KafkaBroker(asking()).listen();
  await using without = await outputFor(closed.address);
  t.regex(await sent(without, ITEMS), /: the broker ended the connection; does that port ask for auth or tls\?$/u);
});

test('a server that does not know the password gets no events', async (t) => {
  await using broker = await new KafkaBroker(asking({ password: 'another', impostor: true })).listen();
  await using output = await outputFor(broker.address, { auth: { user: 'ada', password_file: file('hunter2') } });
  t.regex(await sent(output, ITEMS), /: the broker does not prove that it knows the password/u);
  t.is(broker.stored.length, 0);
});

test('a connection whose time is over is replaced before the broker ends it', async (t) => {
  for (const [lifetimeMs, connections] of [
    [3_600_000, 1],
    [0, 1],
    [1, 3],
  ] as const) {
    await using broker = await new KafkaBroker(asking({ lifetimeMs })).listen();
    await using output = await outputFor(broker.address, { auth: { user: 'ada', password_file: file('hunter2') } });
    for (let i = 1; i <= 3; i++) {
      t.is(await sent(output, [exec(i)]), 'taken');
      await delay(5);
    }
    t.is(broker.connections, connections);
    t.is(output.raised.length, 0);
  }
});

test('a password that cannot be read keeps the output from opening; later it loses nothing', async (t) => {
  const auth = (password_file: string): object => ({ auth: { user: 'ada', password_file } });
  const none = join(emptyFolder(), 'none');
  t.regex((await t.throwsAsync(outputFor('127.0.0.1:1', auth(none)))).message, /^cannot read .*none: no such file/u);
  t.regex((await t.throwsAsync(outputFor('127.0.0.1:1', auth(file('\n'))))).message, /is empty; write the secret/u);
  const binary = await t.throwsAsync(outputFor('127.0.0.1:1', auth(file('hunter2\nx'))));
  t.regex(binary.message, /holds more than one line/u);
  t.notRegex(binary.message, /hunter2/u);
  await using broker = await new KafkaBroker(asking()).listen();
  const password_file = file('hunter2');
  await using output = await outputFor(broker.address, auth(password_file));
  rmSync(password_file);
  t.regex(await sent(output, ITEMS), /^cannot read .*: no such file/u);
  writeFileSync(password_file, 'hunter2');
  t.is(await sent(output, ITEMS), 'taken');
});

test('a refused event goes to the dead letters', async (t) => {
  const path = join(emptyFolder(), 'refused.jsonl');
  await using broker = await new KafkaBroker().listen();
  await using output = await outputFor(broker.address, { dead_letter: { path } });
  broker.answer = ({ api, body }) => (api === API.produce && body.includes('"seq":2,') ? 87 : undefined);
  t.like(await output.send(batchFor(output, ITEMS)), { kind: 'refused', records: [1] });
  const letters = linesOf(readFileSync(path, 'utf8')).map((line) => JSON.parse(line) as Record<string, unknown>);
  t.is(letters.length, 1);
  t.like(letters[0], { output: 'soc', reason: 'INVALID_RECORD (87)', event: { seq: 2 } });
});
