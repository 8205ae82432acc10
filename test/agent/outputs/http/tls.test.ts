import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Certificates } from '../../../support/certificates.ts';
import { Receiver } from '../../../support/receiver.ts';
import { exec } from '../../support/items.ts';
import { batchFor, emptyFolder, outputFor } from './support.ts';

const certificates = new Certificates();
test.after.always(() => certificates[Symbol.dispose]());

const ITEMS = [exec(1)];
const OURS = { ca: certificates.cert('ca') };
const serving = (name: string, more = {}): Promise<Receiver> =>
  new Receiver({ ...certificates.shown(name), ...more }).listen();

/** The fate of a batch. */
async function sent(url: string, tls: object): Promise<string> {
  await using output = await outputFor(url, { tls });
  const outcome = await output.send(batchFor(output, ITEMS));
  return outcome.kind === 'taken' ? 'taken' : outcome.reason;
}

test("a receiver whose certificate the named authority vouches for gets the events, and no other's", async (t) => {
  await using receiver = await serving('server');
  t.is(await sent(receiver.url, OURS), 'taken');
  t.regex(await sent(receiver.url, {}), /^no authority that is trusted here vouches for .* name its file in tls\.ca/u);
  t.regex(await sent(receiver.url, { ca: certificates.cert('other-ca') }), /^no authority that is trusted here/u);
  t.is(receiver.requests.length, 1);
});

test('an expired certificate is refused, by its reason', async (t) => {
  await using receiver = await serving('expired');
  t.regex(await sent(receiver.url, OURS), /^the receiver's certificate has expired/u);
  t.is(receiver.requests.length, 0);
});

test('a certificate for another name is refused, unless tls.server_name is that name', async (t) => {
  await using receiver = await serving('wrong-name');
  t.regex(await sent(receiver.url, OURS), /^the receiver's certificate is for another name.*tls\.server_name/u);
  t.is(receiver.requests.length, 0);
  t.is(await sent(receiver.url, { ...OURS, server_name: 'elsewhere.example' }), 'taken');
  t.regex(await sent(receiver.url, { ...OURS, server_name: 'other.example' }), /for another name/u);
});

test("a receiver that wants a certificate gets ours; without it, or with a stranger's, the reason is named", async (t) => {
  await using receiver = await serving('server', {
    requestCert: true,
    rejectUnauthorized: true,
    ca: certificates.shown('ca').cert,
  });
  const client = (name: string): object => ({ ...OURS, cert: certificates.cert(name), key: certificates.key(name) });
  t.is(await sent(receiver.url, client('client')), 'taken');
  for (const tls of [OURS, client('other-client')])
    t.regex(
      await sent(receiver.url, tls),
      /^the receiver (?:does not take the agent's certificate|ended the connection)/u,
    );
  t.is(receiver.requests.length, 1);
});

test('tls.verify false takes whoever answers, and says so once', async (t) => {
  await using receiver = await serving('expired');
  await using output = await outputFor(receiver.url, { tls: { verify: false } });
  t.is((await output.send(batchFor(output, ITEMS))).kind, 'taken');
  await output.close();
  await output.open();
  t.deepEqual(
    output.raised.map(({ event, level }) => [event, level]),
    [['OutputUnprotected', 'warn']],
  );
});

test('http to another machine is said to be open to readers, to this one it is not', async (t) => {
  for (const [url, expected] of [
    ['http://collector.example/', 1],
    ['http://127.0.0.1:1/', 0],
    ['http://localhost/', 0],
    ['https://collector.example/', 0],
  ] as const) {
    await using output = await outputFor(url);
    t.is(output.raised.filter(({ event }) => event === 'OutputUnprotected').length, expected, url);
  }
});

test('a receiver that does not speak TLS is named', async (t) => {
  await using receiver = await new Receiver().listen();
  t.regex(await sent(receiver.url.replace('http:', 'https:'), OURS), /^the receiver does not speak TLS there/u);
});

test('files that are no certificates, or do not go together, keep the output from opening', async (t) => {
  const folder = emptyFolder();
  const garbage = join(folder, 'garbage');
  writeFileSync(garbage, 'garbage\n');
  const open = async (tls: object): Promise<string> =>
    ((await t.throwsAsync(outputFor('https://x.example/', { tls }))) as Error).message;
  t.regex(await open({ ca: garbage }), /^tls\.ca, .*garbage, holds no certificates in PEM/u);
  t.regex(await open({ ca: join(folder, 'none') }), /^cannot read .*none: no such file/u);
  for (const key of [certificates.key('other-client'), garbage])
    t.regex(
      await open({ cert: certificates.cert('client'), key }),
      /^tls\.cert, .*client\.crt, and tls\.key, .* do not go together/u,
    );
});

test('certificates that are replaced are used with the next batch, and while they are bad nothing is lost', async (t) => {
  await using receiver = await serving('server');
  const ca = join(emptyFolder(), 'ca');
  copyFileSync(certificates.cert('other-ca'), ca);
  await using output = await outputFor(receiver.url, { tls: { ca } });
  const send = async (): Promise<string> => {
    const outcome = await output.send(batchFor(output, ITEMS));
    return outcome.kind === 'taken' ? 'taken' : outcome.reason;
  };
  t.regex(await send(), /^no authority/u);
  writeFileSync(ca, 'half a file');
  t.regex(await send(), /^tls\.ca, .* holds no certificates/u);
  t.regex(await send(), /^tls\.ca, .* holds no certificates/u, 'and it is said again');
  copyFileSync(certificates.cert('ca'), ca);
  t.is(await send(), 'taken');
});
