import test from 'ava';
import { Certificates } from '../../../support/certificates.ts';
import { exec } from '../../support/items.ts';
import { StandIn } from './server.ts';
import { batchFor, outputFor, reasonIn } from './support.ts';

const certificates = new Certificates();
test.after.always(() => certificates[Symbol.dispose]());

const OURS = { ca: certificates.cert('ca') };
const serving = (name: string, more: object = {}, tlsFirst = false): Promise<StandIn> =>
  new StandIn({ tls: { ...certificates.shown(name), ...more }, tlsFirst }).listen();
const client = (name: string): object => ({ ...OURS, cert: certificates.cert(name), key: certificates.key(name) });

/** The fate of a batch. */
async function sent(server: StandIn, more: object): Promise<string> {
  await using output = await outputFor(server.url, more);
  const outcome = await output.send(batchFor(output, [exec(1)]));
  return outcome.kind === 'taken' ? 'taken' : reasonIn(outcome);
}

for (const tlsFirst of [false, true]) {
  const first = { tls_first: tlsFirst };
  const when = tlsFirst ? 'before the first line' : 'after the first line';
  test(`TLS ${when}: a certificate that the named authority vouches for is taken, and no other`, async (t) => {
    await using server = await serving('server', {}, tlsFirst);
    t.is(await sent(server, { ...first, tls: OURS }), 'taken');
    t.regex(await sent(server, { ...first, tls: { ca: certificates.cert('other-ca') } }), /^no authority/u);
    t.regex(await sent(server, { ...first, tls: {} }), /^no authority .* name its file in tls\.ca/u);
    t.is(server.stored.length, 1);
    await using expired = await serving('expired', {}, tlsFirst);
    t.regex(await sent(expired, { ...first, tls: OURS }), /^the receiver's certificate has expired/u);
    await using other = await serving('wrong-name', {}, tlsFirst);
    t.regex(await sent(other, { ...first, tls: OURS }), /^the receiver's certificate is for another name/u);
    t.is(await sent(other, { ...first, tls: { ...OURS, server_name: 'elsewhere.example' } }), 'taken');
    t.is(expired.connects.length, 0);
  });

  test(`TLS ${when}: a server that wants a certificate gets ours`, async (t) => {
    const asking = { requestCert: true, rejectUnauthorized: true, ca: certificates.shown('ca').cert };
    await using server = await serving('server', asking, tlsFirst);
    t.is(await sent(server, { ...first, tls: client('client') }), 'taken');
    for (const tls of [OURS, client('other-client')])
      t.regex(await sent(server, { ...first, tls }), /does not take the agent's certificate|ended the connection/u);
    t.is(server.stored.length, 1);
  });
}

test('a server that asks for TLS gets it also from nats://; one without it gets nothing where tls is asked for', async (t) => {
  await using server = await serving('server');
  t.regex(await sent(server, {}), /^no authority/u);
  t.is(server.connects.length, 0);
  await using plain = await new StandIn().listen();
  t.regex(await sent(plain, { tls: OURS }), /^the server does not offer TLS/u);
  const url = plain.url.replace('nats:', 'tls:');
  await using output = await outputFor(url);
  t.regex(reasonIn(await output.send(batchFor(output, [exec(1)]))), /^the server does not offer TLS/u);
  t.is(plain.connects.length, 0);
  // TLS to a server that goes on in plain text.
  plain.info = { tls_required: true };
  t.regex(await sent(plain, { tls: OURS, timeout: '1s' }), /^(?:the receiver does not speak TLS|no answer in time)/u);
});

test('an output says once that it is unprotected, where it is', async (t) => {
  for (const [servers, more, expected] of [
    [['nats://127.0.0.1:1', 'nats://[::1]:1', 'nats://localhost:1'], {}, []],
    [['nats://nats.example'], {}, [/^nats:\/\/ without tls/u]],
    [['tls://nats.example'], {}, []],
    [['nats://nats.example'], { tls: {} }, []],
    [['tls://nats.example'], { tls: { verify: false } }, [/^tls\.verify is false/u]],
  ] as const) {
    await using output = await outputFor(servers, more);
    await output.close();
    await output.open();
    t.is(output.raised.length, expected.length, servers.join());
    for (const [i, reason] of expected.entries()) t.regex(String(output.raised[i]!['reason']), reason);
  }
});
