import { createServer, type RequestListener } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { Container } from '../../../../agent/containers/container.ts';
import { askEngine } from '../../../../agent/enrichment/containers/engine-api.ts';
import { ContainerNames, type NameResult } from '../../../../agent/enrichment/containers/names.ts';
import {
  MAX_ENGINE_ANSWER_BYTES,
  MAX_ENGINE_QUESTIONS,
  MAX_NAMED_CONTAINERS,
  MAX_NAME_LENGTH,
  MAX_WAITING_CONTAINERS,
  NAME_AGAIN_MS,
  NAME_KNOWN_MS,
} from '../../../../agent/enrichment/limits.ts';
import { FakeHelper } from '../../../support/fake-helper.ts';

/** Stands in for the API of an engine: test/integration/container-names.test.ts asks a real one. */
async function withEngine(serve: RequestListener, use: (socket: string) => Promise<unknown>): Promise<void> {
  await using place = new FakeHelper();
  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(place.socketPath, resolve));
  try {
    await use(place.socketPath);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const idOf = (i: number): string => i.toString(16).padStart(64, '0');
const docker = (i: number): Container => ({ id: idOf(i), runtime: 'docker' });
const NEVER = new AbortController().signal;

test('an engine is asked with GET, once a connection, and its answer read', async (t) => {
  const asked: unknown[] = [];
  await withEngine(
    ({ method, url, headers }, answer) => {
      asked.push([method, url, headers.connection]);
      answer.end(JSON.stringify({ Name: '/web', Image: 'sha256:ab', Config: { Image: 'nginx:1.27' } }));
    },
    async (socket) => t.deepEqual(await askEngine(socket, idOf(1), NEVER), { name: 'web', image: 'nginx:1.27' }),
  );
  t.deepEqual(asked, [['GET', `/containers/${idOf(1)}/json`, 'close']]);
});

for (const [title, body, expected] of [
  ['no fields', '{}', {}],
  ['no object', 'null', {}],
  ['fields of other types', '{"Name":7,"Config":{"Image":[]}}', {}],
  ['no configuration', '{"Name":"/web","Config":null}', { name: 'web' }],
  [
    'a name that is too long',
    JSON.stringify({ Name: 'x'.repeat(MAX_NAME_LENGTH + 1), Config: { Image: 'i' } }),
    { image: 'i' },
  ],
] as const)
  test(`an answer with ${title} is taken for what it says`, async (t) => {
    await withEngine(
      (_, answer) => answer.end(body),
      async (socket) => t.deepEqual(await askEngine(socket, idOf(1), NEVER), expected),
    );
  });

test('a container that an engine does not know has no name; any other answer is a failure', async (t) => {
  const answers = (serve: RequestListener) => withEngine(serve, (socket) => askEngine(socket, idOf(1), NEVER));
  await withEngine(
    (_, answer) => answer.writeHead(404).end('{"message":"No such container"}'),
    async (socket) => t.is(await askEngine(socket, idOf(1), NEVER), undefined),
  );
  await t.throwsAsync(
    answers((_, answer) => answer.writeHead(403).end()),
    { message: 'status 403' },
  );
  await t.throwsAsync(answers((_, answer) => answer.end('<html>')));
  await t.throwsAsync(answers((_, answer) => answer.destroy()));
  await t.throwsAsync(answers((_, answer) => void answer.write('{"Name":', () => answer.destroy())));
  const much = answers((_, answer) => answer.end(' '.repeat(MAX_ENGINE_ANSWER_BYTES + 1)));
  await t.throwsAsync(much, { message: `more than ${MAX_ENGINE_ANSWER_BYTES} bytes` });
  await t.throwsAsync(askEngine('/no/such.sock', idOf(1), NEVER), { code: 'ENOENT' });
});

test('an engine that never ends its answer is left when its time is over', async (t) => {
  await withEngine(
    (_, answer) => void answer.write('{'),
    (socket) => t.throwsAsync(askEngine(socket, idOf(1), AbortSignal.timeout(50))),
  );
});

for (const [title, head, expected] of [
  ['that says no such container and goes on', '404 Not Found\r\nTransfer-Encoding: chunked', undefined],
  ['that refuses and goes on', '500 Internal Server Error\r\nTransfer-Encoding: chunked', 'status 500'],
  [
    'that speaks another protocol from then on',
    '101 Switching Protocols\r\nUpgrade: tcp\r\nConnection: Upgrade',
    'the connection was closed without an answer',
  ],
] as const)
  test(`an answer ${title} ends the question, and the connection`, async (t) => {
    await using place = new FakeHelper();
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const server = createSocketServer((socket) => {
      socket.on('error', () => undefined).on('close', () => resolve());
      socket.write(`HTTP/1.1 ${head}\r\n\r\n`);
      socket.on('data', () => socket.write('5\r\nhello\r\n'));
    });
    await new Promise<void>((listening) => server.listen(place.socketPath, listening));
    t.teardown(() => server.close());
    const asked = askEngine(place.socketPath, idOf(1), NEVER);
    if (expected === undefined) t.is(await asked, undefined);
    else await t.throwsAsync(asked, { message: expected });
    await closed;
  });

/** Names from an engine that a function stands in for. */
function setting(ask: typeof askEngine, runtime: 'docker' | 'podman' = 'docker') {
  const counts = new Map<NameResult, number>();
  const clock = { now: 0 };
  const names = new ContainerNames({ counts, ask, now: () => clock.now });
  names.adopt({ names: [{ runtime, socket: '/run/engine.sock' }] });
  return { names, counts, clock };
}
const settled = () => delay(5);

test('a name is late for the event that asks for it, and there for the next', async (t) => {
  const { names, counts } = setting(async (_, id) => ({ name: `n${id.at(-1)}`, image: 'i' }));
  t.is(names.of(docker(1)), undefined);
  t.is(names.of(docker(1)), undefined, 'asked for once');
  await settled();
  t.deepEqual(names.of(docker(1)), { name: 'n1', image: 'i' });
  t.deepEqual(
    [...counts],
    [
      ['late', 2],
      ['found', 1],
    ],
  );
});

test('a name is asked for again after a while, and stays where the engine cannot be asked then', async (t) => {
  let answer: () => Promise<{ name: string } | undefined> = async () => ({ name: 'old' });
  const { names, clock, counts } = setting(() => answer());
  names.of(docker(1));
  await settled();
  answer = () => Promise.reject(new Error('the engine restarts'));
  clock.now += NAME_KNOWN_MS;
  t.deepEqual(names.of(docker(1)), { name: 'old' });
  await settled();
  t.deepEqual(names.of(docker(1)), { name: 'old' });
  answer = async () => ({ name: 'renamed' });
  clock.now += NAME_KNOWN_MS;
  names.of(docker(1));
  await settled();
  t.deepEqual(names.of(docker(1)), { name: 'renamed' });
  t.is(counts.get('failed'), 1);
});

test('a container that is not known yet is asked for again soon, and not at each event', async (t) => {
  let asked = 0;
  const { names, clock, counts } = setting(async () => (++asked === 1 ? undefined : { name: 'web' }));
  for (let i = 0; i < 3; i++) {
    t.is(names.of(docker(1)), undefined);
    await settled();
  }
  t.is(asked, 1);
  t.is(counts.get('unknown'), 1);
  clock.now += NAME_AGAIN_MS;
  names.of(docker(1));
  await settled();
  t.deepEqual(names.of(docker(1)), { name: 'web' });
});

test('nobody is asked about containers of other runtimes, or about what is no id', async (t) => {
  const { names, counts } = setting(() => t.fail() as never, 'podman');
  names.of(docker(1));
  names.of({ id: 'web', runtime: 'lxc' });
  names.of({ id: '../images', runtime: 'podman' });
  await settled();
  t.is(counts.size, 0);
  const off = new ContainerNames({ counts, ask: () => t.fail() as never });
  off.of(docker(1));
  await settled();
  t.is(counts.size, 0);
});

test('questions, those that wait, and what is remembered are bounded', async (t) => {
  const open: (() => void)[] = [];
  const { names, counts } = setting(() => new Promise((resolve) => open.push(() => resolve({ name: 'x' }))));
  for (let i = 0; i < 2 * MAX_WAITING_CONTAINERS; i++) names.of(docker(i));
  await settled();
  t.like(names.held, { open: MAX_WAITING_CONTAINERS, asking: MAX_ENGINE_QUESTIONS });
  t.is(counts.get('late'), MAX_WAITING_CONTAINERS);
  t.is(counts.get('skipped'), MAX_WAITING_CONTAINERS);
  while (names.held.open > 0) {
    for (const end of open.splice(0)) end();
    await settled();
  }
  t.is(counts.get('found'), MAX_WAITING_CONTAINERS);
  for (let i = 0; i < 2 * MAX_NAMED_CONTAINERS; i++) {
    names.of(docker(1000 + i));
    if (i % 200 !== 0) continue;
    while (names.held.open > 0) {
      for (const end of open.splice(0)) end();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  t.true(names.held.known <= MAX_NAMED_CONTAINERS);
});

test('other engines, or none, end the questions to those before', async (t) => {
  const signals: AbortSignal[] = [];
  const { names, counts } = setting((_, __, signal) => {
    signals.push(signal);
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('ended'))));
  });
  names.of(docker(1));
  await settled();
  names.adopt({ names: [{ runtime: 'docker', socket: '/run/engine.sock' }] });
  t.false(signals[0]!.aborted, 'the same ones');
  names.adopt({ names: [] });
  await settled();
  t.true(signals[0]!.aborted);
  t.like(names.held, { open: 0, asking: 0 });
  t.deepEqual([...counts], [['late', 1]]);
});
