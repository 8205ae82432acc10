import { lstatSync } from 'node:fs';
import { connect } from 'node:net';
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { MAX_STREAMS } from '../../../agent/control/limits.ts';
import { execEvent, gapEvent } from '../../support/fake-helper.ts';
import { wholeLines } from '../../support/lines.ts';
import { ask } from '../../support/metrics.ts';
import { withControl as withAgent } from '../support/controlled.ts';
import { read, toFile } from '../support/outputs.ts';

interface Reader extends AsyncDisposable {
  readonly status: number | undefined;
  text: string;
  readonly ended: Promise<unknown>;
}

/** Reads a stream of events. */
async function follow(socketPath: string, query = ''): Promise<Reader> {
  const { promise, resolve, reject } = Promise.withResolvers<Reader>();
  const asked = request({ socketPath, path: `/v1/events${query}`, agent: false }, (response) => {
    const ended = new Promise((done) => response.once('close', done));
    const reader: Reader = {
      status: response.statusCode,
      text: '',
      ended,
      async [Symbol.asyncDispose]() {
        asked.destroy();
        await ended;
      },
    };
    response.setEncoding('utf8').on('data', (text: string) => (reader.text += text));
    response.on('error', () => undefined);
    resolve(reader);
  });
  asked.once('error', reject).end();
  return promise;
}

const parsed = (text: string) => wholeLines(text).map((line) => JSON.parse(line) as Record<string, unknown>);

test.serial('events as they come, and those that are held; what outputs get, alerts and gaps included', (t) =>
  withAgent(
    async ({ helper, agent, work, socket }) => {
      helper.send(execEvent(1));
      await agent.until(() => read(work.path('events')).includes('"seq":1,'));
      await using live = await follow(socket);
      await using held = await follow(socket, '?since=365000d');
      await using curl = await follow(socket, `?filter=${encodeURIComponent('Image|endswith: /curl')}`);
      t.is(live.status, 200);
      const alert = {
        exe: '/usr/bin/curl',
        argv: ['curl', '--password', 'hunter2'],
        command: '/usr/bin/curl --password hunter2',
      };
      for (const event of [execEvent(2), execEvent(3, alert), gapEvent(4, 6), execEvent(7, { comm: 'dropped' })])
        helper.send(event);
      helper.send(execEvent(8));
      await agent.until(() => live.text.includes('"seq":8,') && held.text.includes('"seq":8,'));
      const written = read(work.path('events'));
      t.is(held.text, written, 'the very lines of the file');
      t.is(
        live.text,
        wholeLines(written)
          .slice(1)
          .map((line) => `${line}\n`)
          .join(''),
      );
      t.false(live.text.includes('hunter2'), 'redacted');
      t.deepEqual(
        parsed(curl.text).map(({ seq, rules }) => [seq, (rules as unknown[]).length]),
        [[3, 1]],
      );
      t.deepEqual(
        wholeLines((await ask(`unix:${socket}`, '/v1/events?follow=0&since=365000d&alerts=1')).body).length,
        1,
      );
    },
    `filters: [{ name: noise, detection: { it: { comm: dropped }, condition: it }, action: drop }]
rules: { folders: [${new URL('fixtures', import.meta.url).pathname}] }
`,
  ),
);

test.serial('status, outputs, rules and gaps are JSON on one line; metrics and health are there too', (t) =>
  withAgent(async ({ helper, agent, work, socket }) => {
    helper.send(execEvent(1));
    helper.send(gapEvent(2, 5));
    helper.send(execEvent(6));
    await agent.until(() => read(work.path('events')).includes('"seq":6,'));
    const get = async (path: string) => {
      const { status, headers, body } = await ask(`unix:${socket}`, path);
      t.is(status, 200, path);
      t.is(headers['content-type'], 'application/json');
      t.is(body.indexOf('\n'), body.length - 1);
      return JSON.parse(body) as Record<string, never>;
    };
    while ((await get('/v1/status'))['helper']!['kernel_count'] === undefined) await delay(20);
    const status = await get('/v1/status');
    t.like(status, {
      healthy: true,
      problems: [],
      agent: { pid: agent.child.pid, config: { file: work.configFile } },
      helper: { connected: true, connections: 1, kernel_count: 0 },
      received: { exec: 2, gap: 1 },
      gaps: { lost: 4, by_output: [{ output: 'local', hop: 'ring', cause: 'ring_full', count: 4 }] },
      rules: { loaded: 0, hits: [] },
      readers: 0,
    });
    t.like(await get('/v1/gaps'), { newest: [{ type: 'gap', first: 2, last: 5 }] });
    const [output] = (await get('/v1/outputs')) as unknown as Array<Record<string, unknown>>;
    t.like(output, { name: 'local', type: 'file', up: true, taken: 3, lag: { records: 0 } });
    t.deepEqual<unknown, unknown>(await get('/v1/rules'), {
      counts: { loaded: 0, refused: 0, skipped: 0, filters: 0 },
      rules: [],
      filters: [],
      refused: [],
    });
    t.is((await ask(`unix:${socket}`, '/healthz')).status, 200);
    t.regex((await ask(`unix:${socket}`, '/metrics')).body, /^probes_helper_connected 1$/m);
  }),
);

test.serial('reload: the answer says what the log says', (t) =>
  withAgent(async ({ agent, work, socket, helper }) => {
    const at = `unix:${socket}`;
    t.is((await ask(at, '/v1/reload')).status, 405);
    const good = await ask(at, '/v1/reload', 'POST');
    t.deepEqual([good.status, JSON.parse(good.body)], [200, { ok: true, problems: [] }]);
    t.is(agent.countOf('ConfigReloaded'), 1);
    work.configure(`${toFile(helper, work.path('events'))}control: { socket: ${socket}, recent: 1MiB }\nwrong: 1\n`);
    const { status, body } = await ask(at, '/v1/reload', 'POST');
    t.is(status, 422);
    t.regex(body, /agent\.yaml:5:1.*unknown key/);
    t.is((await ask(at, '/v1/status')).status, 200, 'the one before stays');
  }),
);

test.serial('the socket is for the owner alone; for a group where the configuration says so, at a reload too', (t) =>
  withAgent(async ({ agent, work, socket, helper }) => {
    const mode = () => (lstatSync(socket).mode & 0o777).toString(8);
    t.is(mode(), '600');
    const { ino } = lstatSync(socket);
    const [group] = process.getgroups!();
    const configure = (more: string) =>
      work.configure(`${toFile(helper, work.path('events'))}control: { socket: ${socket}${more} }\n`);
    configure(`, group: ${group}`);
    t.is((await ask(`unix:${socket}`, '/v1/reload', 'POST')).status, 200);
    t.is(mode(), '660');
    t.is(lstatSync(socket).gid, group!);
    t.is(lstatSync(socket).ino, ino, 'the same socket: readers stay connected');
    configure(', group: no-such-group');
    t.regex((await ask(`unix:${socket}`, '/v1/reload', 'POST')).body, /control\.group: .*no group \\"no-such-group\\"/);
    t.is(mode(), '660');
    configure('');
    await ask(`unix:${socket}`, '/v1/reload', 'POST');
    t.is(mode(), '600');
    work.configure(toFile(helper, work.path('events')));
    await ask(`unix:${socket}`, '/v1/reload', 'POST').catch(() => undefined);
    await agent.until(() => agent.countOf('ControlClosed') === 1);
    t.is(lstatSync(socket, { throwIfNoEntry: false }), undefined);
  }),
);

test.serial('wrong requests are told why; readers beyond the bound are refused, and make room when they go', (t) =>
  withAgent(async ({ socket, agent }) => {
    const at = `unix:${socket}`;
    for (const [path, status, reason] of [
      ['/v1/events?user=root', 400, /^user: expected a number/],
      ['/v1/events?filter=%7B', 400, /not valid YAML/],
      ['/v1/nothing', 404, /^there are \/v1\/status, /],
      ['/v1/events', 405, /only GET/],
    ] as const) {
      const answer = await ask(at, path, status === 405 ? 'POST' : 'GET');
      t.is(answer.status, status, path);
      t.regex(answer.body, reason);
    }
    const readers: Reader[] = [];
    // Connections are bounded too, and one has to be left to ask.
    for (let i = 0; i < MAX_STREAMS; i++) readers.push(await follow(socket));
    t.deepEqual(new Set(readers.map(({ status }) => status)), new Set([200]));
    t.is((await ask(at, '/v1/events')).status, 503);
    t.is((JSON.parse((await ask(at, '/v1/status')).body) as { readers: number }).readers, MAX_STREAMS);
    await readers.pop()![Symbol.asyncDispose]();
    await delay(100);
    const another = await follow(socket);
    t.is(another.status, 200);
    for (const reader of [...readers, another]) await reader[Symbol.asyncDispose]();
    t.is(await agent.end(), 0);
  }),
);

test.serial('a reader that does not read costs the outputs nothing, and ends with the agent', (t) =>
  withAgent(async ({ helper, agent, work, socket }) => {
    const deaf = connect({ path: socket });
    deaf.on('error', () => undefined);
    deaf.write('GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n');
    deaf.pause();
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    await delay(200);
    const COUNT = 20_000;
    for (let seq = 1; seq <= COUNT; seq++) helper.send(execEvent(seq));
    await agent.until(() => read(work.path('events')).includes(`"seq":${COUNT},`));
    t.is(parsed(read(work.path('events'))).filter(({ type }) => type === 'exec').length, COUNT);
    t.is(await agent.end(), 0);
    deaf.destroy();
  }),
);
