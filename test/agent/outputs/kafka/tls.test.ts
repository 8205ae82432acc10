import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import test from 'ava';
import { Certificates } from '../../../support/certificates.ts';
import { KafkaBroker } from '../../../support/kafka/broker.ts';
import { exec } from '../../support/items.ts';
import { emptyFolder, outputFor, sent } from './support.ts';

const ITEMS = [exec(1), exec(2)];
const certificates = new Certificates();
test.after.always(() => certificates[Symbol.dispose]());

const OURS = { ca: certificates.cert('ca') };
const serving = (name: string, more: TlsOptions = {}): Promise<KafkaBroker> =>
  new KafkaBroker({ tls: { ...certificates.shown(name), ...more } }).listen();

/** The fate of a batch. */
async function sentTo(broker: string, tls: object | undefined): Promise<string> {
  await using output = await outputFor(broker, { timeout: '10s', ...(tls === undefined ? {} : { tls }) });
  return sent(output, ITEMS);
}

test("a broker whose certificate the named authority vouches for gets the events, and no other's", async (t) => {
  await using broker = await serving('server');
  t.is(await sentTo(broker.address, OURS), 'taken');
  for (const tls of [{}, { ca: certificates.cert('other-ca') }])
    t.regex(
      await sentTo(broker.address, tls),
      /: no authority that is trusted here vouches for .* name its file in tls\.ca/u,
    );
  t.is(broker.produced.length, 1);
});

test('an expired certificate and one for another name are refused, by their reasons', async (t) => {
  await using expired = await serving('expired');
  t.regex(await sentTo(expired.address, OURS), /: the receiver's certificate has expired/u);
  await using broker = await serving('wrong-name');
  t.regex(await sentTo(broker.address, OURS), /: the receiver's certificate is for another name.*tls\.server_name/u);
  t.is(await sentTo(broker.address, { ...OURS, server_name: 'elsewhere.example' }), 'taken');
  t.is(expired.requests.length, 0);
});

test("a broker that wants a certificate gets ours; without it, or with a stranger's, the reason is named", async (t) => {
  await using broker = await serving('server', {
    requestCert: true,
    rejectUnauthorized: true,
    ca: certificates.shown('ca').cert,
  });
  const client = (name: string): object => ({ ...OURS, cert: certificates.cert(name), key: certificates.key(name) });
  t.is(await sentTo(broker.address, client('client')), 'taken');
  for (const tls of [OURS, client('other-client')])
    t.regex(
      await sentTo(broker.address, tls),
      /: the (?:receiver does not take the agent's certificate|receiver ended the connection|broker ended the connection)/u,
    );
  t.is(broker.produced.length, 1);
});

test('the broker is told the name that it is reached by, so that it can show the right certificate', async (t) => {
  const names: string[] = [];
  await using broker = await serving('server', {
    SNICallback: (name, done) => {
      names.push(name);
      done(null);
    },
  });
  broker.leader = { host: 'localhost', port: broker.port };
  t.is(await sentTo(`localhost:${broker.port}`, OURS), 'taken');
  t.deepEqual([...new Set(names)], ['localhost']);
});

test('tls.verify false takes whoever answers, and says so once; no tls is said where others can read', async (t) => {
  await using broker = await serving('expired');
  await using output = await outputFor(broker.address, { tls: { verify: false } });
  t.is(await sent(output, ITEMS), 'taken');
  await output.close();
  await output.open();
  t.deepEqual(
    output.raised.map(({ event, level }) => [event, level]),
    [['OutputUnprotected', 'warn']],
  );
  for (const [brokers, tls, expected] of [
    [['localhost:9092', 'kafka.example:9092'], undefined, 1],
    [['[2001:db8::1]:9092'], undefined, 1],
    [['127.0.0.1:1', 'localhost:1', '[::1]:1'], undefined, 0],
    [['kafka.example:9092'], {}, 0],
  ] as const) {
    await using other = await outputFor(brokers, tls === undefined ? {} : { tls });
    t.is(other.raised.filter(({ event }) => event === 'OutputUnprotected').length, expected, brokers.join());
  }
});

test('a port without TLS, and one with it, are told apart', async (t) => {
  await using plain = await new KafkaBroker().listen();
  t.regex(
    await sentTo(plain.address, OURS),
    /: (?:the receiver does not speak TLS there|no connection in time|the (?:broker|receiver) ended the connection)/u,
  );
  await using secured = await serving('server');
  t.regex(
    await sentTo(secured.address, undefined),
    /: the broker (?:speaks TLS on that port; add tls|ended the connection; does that port ask for auth or tls\?)/u,
  );
});

test('certificates that are replaced are used with the next batch, and while they are bad nothing is lost', async (t) => {
  await using broker = await serving('server');
  const ca = join(emptyFolder(), 'ca');
  copyFileSync(certificates.cert('other-ca'), ca);
  await using output = await outputFor(broker.address, { tls: { ca } });
  t.regex(await sent(output, ITEMS), /no authority/u);
  writeFileSync(ca, 'half a file');
  t.regex(await sent(output, ITEMS), /^tls\.ca, .* holds no certificates/u);
  copyFileSync(certificates.cert('ca'), ca);
  t.is(await sent(output, ITEMS), 'taken');
});
