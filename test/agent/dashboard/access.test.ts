import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import test from 'ava';
import { MAX_WAITING_REFUSALS } from '../../../agent/dashboard/limits.ts';
import { PAGE_FILES } from '../../../agent/dashboard/assets.ts';
import { execEvent } from '../../support/fake-helper.ts';
import { ownPort } from '../../support/own-port.ts';
import { ask } from '../../support/metrics.ts';
import { AgentProcess } from '../support/agent-process.ts';
import { controlledConfig, withControl } from '../support/controlled.ts';
import { urlOf, withDashboard } from '../support/dashboard.ts';
import { parseConfig } from '../../../agent/config/load.ts';

const PATHS = [
  ...Object.keys(PAGE_FILES).map((name) => (name === 'index.html' ? '' : name)),
  'v1/status',
  'v1/events?follow=0',
  'v1/gaps',
];

test.serial('with the token: a cookie for one path, then the page and what it reads, and nothing that changes', (t) =>
  withDashboard(async ({ listen, url, path, cookie, get }) => {
    t.regex(url, /^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}$/);
    const welcome = await ask(listen, url.slice(url.indexOf('/?')));
    t.is(welcome.status, 303);
    t.regex(path, /^\/s\/[\w-]{22}\/$/);
    t.deepEqual(welcome.headers['set-cookie'], [`${cookie}; Path=${path}; HttpOnly; SameSite=Strict`]);
    t.false(String(welcome.headers['location']).includes('token'), 'gone from the address');
    for (const what of PATHS) t.is((await get(what)).status, 200, what);
    for (const what of ['v1/reload', 'v1/dashboard', 'v1/rules', 'metrics', '../v1/status', 'page.ts', '%2e%2e/'])
      t.is((await get(what)).status, 404, what);
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'])
      t.is((await get('v1/status', method, { origin: `http://${listen}` })).status, 405, method);
  }),
);

test.serial('without the token: 401 for everything, in every way to ask', (t) =>
  withDashboard(async ({ listen, path, cookie, agent, url }) => {
    for (const what of [...PATHS.map((name) => path + name), '/', '/favicon.ico', '/v1/status', '/metrics', '/s/'])
      for (const method of ['GET', 'HEAD']) {
        const { status, body } = await ask(listen, what, method);
        t.is(status, 401, `${method} ${what}`);
        t.false(body.includes(path), 'the path is not told');
      }
    const wrong = `probes-dashboard=${'A'.repeat(43)}`;
    const refused = await Promise.all([
      ask(listen, `${path}v1/status`, 'GET', { cookie: wrong }),
      ask(listen, `/?token=${'A'.repeat(43)}`),
      ask(listen, '/?token='),
      ask(listen, '/s/another/v1/status', 'GET', { cookie }),
    ]);
    t.deepEqual(
      refused.map(({ status }) => status),
      [401, 401, 401, 401],
    );
    t.is((await ask(listen, `/?token=${'x'.repeat(4000)}`)).status, 401);
    t.true(agent.countOf('DashboardRefused') > 0);
    // Another server of this machine can have set a cookie of the same name.
    t.is((await ask(listen, `${path}v1/status`, 'GET', { cookie: `${wrong}; ${cookie}` })).status, 200);
    const token = url.slice(url.indexOf('=') + 1);
    t.false(agent.stderr.includes(token), 'the log does not have it');
    t.false((await ask(listen, `${path}v1/status`, 'GET', { cookie })).body.includes(token));
  }),
);

test.serial('wrong tokens are answered slowly, and a few at a time; the right one never waits', (t) =>
  withDashboard(async ({ listen, get }) => {
    const asked = performance.now();
    const wrong = Array.from({ length: MAX_WAITING_REFUSALS + 3 }, () => ask(listen, '/?token=wrong'));
    const right = await get('v1/status');
    t.is(right.status, 200);
    const statuses = (await Promise.all(wrong)).map(({ status }) => status);
    t.true(performance.now() - asked >= 990);
    t.is(statuses.filter((status) => status === 401).length, MAX_WAITING_REFUSALS);
    t.is(statuses.filter((status) => status === 429).length, 3);
  }),
);

test.serial('another site cannot ask, whatever cookie it sends: Host, Origin and Sec-Fetch-Site', (t) =>
  withDashboard(async ({ listen, get, url }) => {
    const query = url.slice(url.indexOf('/?'));
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'http://127.0.0.1:1' },
      { origin: 'null' },
      { origin: `https://${listen}` },
    ]) {
      t.is((await get('v1/status', 'GET', headers)).status, 403, JSON.stringify(headers));
      t.is((await ask(listen, query, 'GET', headers)).status, 403, JSON.stringify(headers));
    }
    t.is((await get('v1/status', 'POST')).status, 403, 'no Origin, and not GET');
    t.is((await get('v1/status', 'GET', { host: 'evil.example' })).status, 421);
    for (const site of ['same-origin', 'none'])
      t.is((await get('v1/status', 'GET', { 'sec-fetch-site': site })).status, 200, site);
  }),
);

test.serial('a link to the address with the token leads on, in a window of its own and nowhere else', (t) =>
  withDashboard(async ({ listen, url, path, cookie }) => {
    const query = url.slice(url.indexOf('/?'));
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    const welcome = await ask(listen, query, 'GET', link);
    t.is(welcome.status, 200);
    t.is(welcome.headers['refresh'], `0; url=${path}`);
    // Else the browser asks for /favicon.ico, without the cookie, and the console has a complaint.
    t.regex(welcome.body, /<link rel="icon" href="data:,">/);
    t.is(welcome.headers['location'], undefined);
    t.deepEqual(welcome.headers['set-cookie'], [`${cookie}; Path=${path}; HttpOnly; SameSite=Strict`]);
    t.is((await ask(listen, '/?token=wrong', 'GET', link)).status, 401);
    for (const [what, headers] of [
      [query, { ...link, 'sec-fetch-dest': 'iframe' }],
      [query, { ...link, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
      [query, { ...link, origin: 'null' }],
      [path, { ...link, cookie }],
      [`${path}v1/status`, { ...link, cookie }],
    ] as const)
      t.is((await ask(listen, what, 'GET', headers)).status, 403, JSON.stringify(headers));
    t.is((await ask(listen, query, 'POST', { ...link, origin: 'https://evil.example' })).status, 403);
  }),
);

test.serial('every answer has the headers that shut the page in, streams and refusals included', (t) =>
  withDashboard(async ({ listen, get, path, cookie, helper }) => {
    helper.send(execEvent(1));
    const answers = [
      await get(''),
      await get('page.js'),
      await get('v1/events?follow=0'),
      await get('v1/nothing'),
      await get('v1/events?user=root'),
      await ask(listen, '/'),
      await ask(listen, path, 'GET', { host: 'evil.example', cookie }),
    ];
    t.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 404, 400, 401, 421],
    );
    for (const { headers } of answers) {
      t.like(headers, {
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      });
      const policy = String(headers['content-security-policy']);
      for (const part of [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
      ])
        t.true(policy.split('; ').includes(part), part);
      t.false(policy.includes('unsafe'));
      t.is(headers['access-control-allow-origin'], undefined);
    }
  }),
);

test.serial('probes-agent dashboard prints the address; an agent without the page says how to get one', async (t) => {
  await withDashboard(async ({ socket, url }) => {
    await using command = new AgentProcess(['dashboard', '--socket', socket]);
    t.is((await command.exited).code, 0);
    t.is(command.stdout, `${url}\n`);
  });
  await withControl(async ({ socket }) => {
    await using command = new AgentProcess(['dashboard', '--socket', socket]);
    t.is((await command.exited).code, 11);
    t.regex(command.stderr, /there is no page: add "dashboard: /);
  });
});

test.serial('a reload moves it, ends it, and keeps the token while it stays', (t) =>
  withDashboard(async ({ agent, work, helper, socket, listen, url, get }) => {
    const reload = () => ask(`unix:${socket}`, '/v1/reload', 'POST');
    t.is((await reload()).status, 200);
    t.is(await urlOf(socket), url);
    t.is((await get('v1/status')).status, 200);
    const other = `127.0.0.1:${await ownPort()}`;
    work.configure(controlledConfig(helper, work, `dashboard: { listen: "${other}" }\n`));
    t.is((await reload()).status, 200);
    t.is(await urlOf(socket), url.replace(listen, other));
    await t.throwsAsync(ask(listen, '/'), { code: 'ECONNREFUSED' });
    const taken = await ownPort();
    const blocker = createServer().listen(taken, '127.0.0.1');
    await once(blocker, 'listening');
    work.configure(controlledConfig(helper, work, `dashboard: { listen: "127.0.0.1:${taken}" }\n`));
    const refused = await reload();
    blocker.close();
    t.is(refused.status, 422);
    t.regex(refused.body, /dashboard\.listen: cannot listen on .*another process listens there/);
    t.is((await ask(other, '/')).status, 401, 'the one before stays');
    work.configure(controlledConfig(helper, work));
    t.is((await reload()).status, 200);
    await t.throwsAsync(ask(other, '/'), { code: 'ECONNREFUSED' });
    t.is((await ask(`unix:${socket}`, '/v1/dashboard')).status, 404);
    t.is(agent.countOf('DashboardClosed'), 2);
  }),
);

test.serial('nothing listens unless it is configured', (t) =>
  withControl(async ({ agent }) => {
    t.is(agent.countOf('DashboardListening'), 0);
  }),
);

test.serial('a client that sends half a request, or none, is let go', (t) =>
  withDashboard(async ({ listen, get }) => {
    const [host, port] = listen.split(':');
    const idle = connect(Number(port), host);
    idle.resume().on('error', () => undefined);
    idle.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: x');
    await new Promise((resolve) => idle.once('close', resolve));
    t.is((await get('v1/status')).status, 200);
  }),
);

const OUTPUTS = 'outputs: [{ name: a, type: stdout }]\n';
for (const [text, reason] of [
  ['dashboard: { listen: "127.0.0.1:9465" }\n', /it needs the control socket.*add "control: \{\}"/],
  ['control: {}\ndashboard: { listen: "0.0.0.0:9465" }\n', /can be reached from other machines/],
  ['control: {}\ndashboard: { listen: "192.168.1.5:9465" }\n', /can be reached from other machines/],
  ['control: {}\ndashboard: { listen: "localhost:9465" }\n', /a name such as "localhost" can lead elsewhere/],
  ['control: {}\ndashboard: { listen: "unix:/run/page.sock" }\n', /expected a loopback address/],
  ['control: {}\ndashboard: { listen: 9465 }\n', /expected a loopback address/],
  ['control: {}\ndashboard: {}\n', /listen/],
] as const)
  test(`refused: ${text.replaceAll('\n', ' ')}`, (t) => {
    const loaded = parseConfig(OUTPUTS + text, 'agent.yaml');
    t.false(loaded.ok);
    t.regex(loaded.ok ? '' : loaded.problems.map(({ message, path }) => `${path}: ${message}`).join('\n'), reason);
  });
