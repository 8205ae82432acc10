import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { outputSchema, probeOutput } from '../../../agent/outputs/kinds.ts';
import { Certificates } from '../../support/certificates.ts';
import { KafkaBroker } from '../../support/kafka/broker.ts';
import { Receiver, status } from '../../support/receiver.ts';
import { StandIn } from './nats/server.ts';
import { Listener, RelpReceiver } from './syslog/support.ts';

const probe = (config: object) => probeOutput(outputSchema.parse({ name: 'soc', timeout: '2s', ...config }));

function secret(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'probes-probe-')), 'secret');
  writeFileSync(path, text);
  return path;
}

/** A port where nobody listens. */
async function ownPort(): Promise<number> {
  await using listener = await new Listener().listen();
  return Number(listener.address.split(':').at(-1));
}

test('outputs without a receiver have nobody to ask', async (t) => {
  t.is(await probeOutput(outputSchema.parse({ name: 'a', type: 'stdout' })), undefined);
  t.is(await probeOutput(outputSchema.parse({ name: 'a', type: 'file', path: '/x' })), undefined);
});

for (const [type, more, method, path] of [
  ['http', {}, 'HEAD', '/events'],
  ['loki', { tenant: 'one' }, 'HEAD', '/events/loki/api/v1/push'],
  ['elasticsearch', {}, 'GET', '/events'],
  ['otlp', {}, 'POST', '/events'],
] as const)
  test(`${type}: asks without an event, with its own credentials, and says what the answer means`, async (t) => {
    await using receiver = await new Receiver().listen();
    receiver.answer = status(200);
    const config = { type, url: receiver.url, auth: { token_file: secret('s3cret\n') }, ...more };
    t.is((await probe(config))!.verdict, 'ok');
    const [request] = receiver.requests;
    t.is(request!.method, method);
    t.is(request!.path, path);
    t.is(request!.body, '', 'no event, and nothing else');
    t.is(request!.headers.authorization, 'Bearer s3cret');
    for (const [code, verdict, says] of [
      [401, 'problem', /401 .*does not take the credentials/],
      [404, 'warning', /404 .*check the path of url/],
      [301, 'problem', /it redirects/],
      [503, 'warning', /503 .*not well now/],
    ] as const) {
      receiver.answer = status(code);
      const probed = await probe(config);
      t.is(probed!.verdict, verdict, String(code));
      t.regex(probed!.says, says);
      t.false(probed!.says.includes('s3cret'));
    }
    receiver.answer = status(401);
    t.regex((await probe({ type, url: receiver.url }))!.says, /it wants credentials; add auth/);
    const gone = await probe({ type, url: `http://127.0.0.1:${await ownPort()}/` });
    t.is(gone!.verdict, 'problem');
    t.regex(gone!.says, /ECONNREFUSED/);
    const missing = await probe({ ...config, auth: { token_file: '/no/such/file' } });
    t.regex(missing!.says, /cannot read \/no\/such\/file: no such file/);
  });

test('http: many receivers take only POST; that is no fault', async (t) => {
  await using receiver = await new Receiver().listen();
  receiver.answer = status(405);
  const probed = await probe({ type: 'http', url: `${receiver.url}/{host}/x?batch={batch}` });
  t.is(probed!.verdict, 'ok');
  t.regex(probed!.says, /can be reached: answers HEAD with status 405/);
  t.notRegex(receiver.requests[0]!.path, /[{}]/);
});

test('otlp: an answer that is not of OTLP is a problem, in both encodings', async (t) => {
  await using receiver = await new Receiver().listen();
  for (const encoding of ['protobuf', 'json']) {
    receiver.answer = status(200, '<html>', { 'content-type': 'text/html' });
    t.is((await probe({ type: 'otlp', url: receiver.url, encoding }))!.verdict, 'problem');
  }
  t.is(receiver.requests[1]!.body, '{}');
});

test('a certificate that nobody vouches for is named', async (t) => {
  using certificates = new Certificates();
  await using receiver = await new Receiver(certificates.shown('server')).listen();
  const probed = await probe({ type: 'http', url: receiver.url });
  t.is(probed!.verdict, 'problem');
  t.regex(probed!.says, /certificate/);
  t.is((await probe({ type: 'http', url: receiver.url, tls: { ca: certificates.cert('ca') } }))!.verdict, 'ok');
});

test('a receiver that hangs costs the time-out and no more', async (t) => {
  await using listener = await new Listener().listen();
  const url = `http://${listener.address}/`;
  const probed = await probe({ type: 'http', url, timeout: '1s' });
  t.deepEqual(probed, { verdict: 'problem', says: 'no answer in time (timeout)' });
});

test('syslog: a session of RELP is opened and closed, and no message sent; a stream stands', async (t) => {
  await using relp = await new RelpReceiver().listen();
  t.is((await probe({ type: 'syslog', transport: 'relp', address: relp.address }))!.verdict, 'ok');
  t.deepEqual(
    relp.questions.map(({ command }) => command),
    ['open', 'close'],
  );
  await using stream = await new Listener().listen();
  const config = { type: 'syslog', transport: 'tcp', address: stream.address };
  t.deepEqual(await probe(config), {
    verdict: 'ok',
    says: 'takes the connection; more, this transport does not tell',
  });
  await using ends = await new Listener((socket) => socket.destroy()).listen();
  t.is((await probe({ ...config, address: ends.address }))!.verdict, 'problem');
  const silent = await probe({ type: 'syslog', transport: 'relp', address: stream.address, timeout: '1s' });
  t.deepEqual(silent, { verdict: 'problem', says: 'no answer in time (timeout)' });
});

test('nats: each server is asked up to its PONG; one of two is a warning', async (t) => {
  await using server = await new StandIn().listen();
  const port = await ownPort();
  const config = { type: 'nats', servers: [server.url], auth: { user: 'a', password_file: secret('pw') } };
  t.is((await probe(config))!.verdict, 'ok');
  t.like(server.connects[0], { user: 'a', pass: 'pw' });
  t.deepEqual(server.published, []);
  const half = await probe({ ...config, servers: [server.url, `nats://127.0.0.1:${port}`] });
  t.is(half!.verdict, 'warning');
  t.regex(half!.says, new RegExp(`127\\.0\\.0\\.1:${port}: .*ECONNREFUSED`));
  server.refusal = () => 'Authorization Violation';
  const refused = await probe(config);
  t.is(refused!.verdict, 'problem');
  t.regex(refused!.says, /credentials|Authorization/i);
});

test('kafka: finds the leader and authenticates there, and produces nothing', async (t) => {
  await using broker = await new KafkaBroker({
    sasl: { mechanisms: ['SCRAM-SHA-512'], user: 'a', password: 'pw' },
  }).listen();
  const config = { type: 'kafka', brokers: [broker.address], topic: 'events' };
  const good = await probe({ ...config, auth: { user: 'a', password_file: secret('pw') } });
  t.is(good!.verdict, 'ok', good!.says);
  t.regex(good!.says, /leads partition \d+ of topic events/);
  t.is(broker.produced.length, 0);
  const wrong = await probe({ ...config, auth: { user: 'a', password_file: secret('no') } });
  t.is(wrong!.verdict, 'problem');
  t.false(wrong!.says.includes('pw'));
  broker.topicError = 3;
  t.regex((await probe({ ...config, auth: { user: 'a', password_file: secret('pw') } }))!.says, /topic/);
});
