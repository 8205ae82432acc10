import { once } from 'node:events';
import { existsSync, lstatSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import test from 'ava';
import { execEvent, FakeHelper } from '../../support/fake-helper.ts';
import { ownPort } from '../../support/own-port.ts';
import { ask, scrape, sumOf } from '../../support/metrics.ts';
import { Workplace, type AgentProcess } from '../support/agent-process.ts';
import { killed, read, start, toFile } from '../support/outputs.ts';

const config = (helper: FakeHelper, work: Workplace, listen: string): string =>
  `${toFile(helper, work.path('events'))}metrics: { listen: "${listen}" }\n`;

const listening = (agent: AgentProcess, listen: string): Promise<void> =>
  agent.until(() => agent.events.some((entry) => entry.event === 'MetricsListening' && entry['listen'] === listen));

async function reload(agent: AgentProcess, result: 'ConfigReloaded' | 'ConfigRefused'): Promise<void> {
  const before = agent.countOf(result);
  agent.child.kill('SIGHUP');
  await agent.until(() => agent.countOf(result) > before);
}

test.serial('what is served: metrics, health, readiness, and nothing else', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper({ heartbeatMs: 20 }).listen();
  const listen = `127.0.0.1:${await ownPort()}`;
  await using agent = await start(work, config(helper, work, listen));
  helper.send(execEvent(1));
  await agent.until(() => read(work.path('events')).includes('"seq":1,'));
  const { status, headers, body } = await ask(listen, '/metrics?from=anybody');
  t.is(status, 200);
  t.like(headers, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'connection': 'close' });
  t.true(body.endsWith('\n'));
  for (const path of ['/healthz', '/readyz']) {
    const health = await ask(listen, path);
    t.is(health.status, 200, path);
    t.is(health.body, '{"status":"ok","problems":[]}\n');
  }
  const series = await scrape(listen);
  for (const [name, value] of [
    ['probes_build_info', 1],
    ['probes_helper_connected', 1],
    ['probes_helper_info', 1],
    ['probes_output_up', 1],
    ['probes_events_received_total', 1],
    ['probes_kernel_events_total', 0],
  ] as const)
    t.is(sumOf(series, name), value, name);
  t.true(sumOf(series, 'probes_helper_last_line_seconds') < 10);
  t.true(sumOf(series, 'process_resident_memory_bytes') > 1e7);
  t.is((await ask(listen, '/')).status, 404);
  t.is((await ask(listen, '/metrics/../etc')).status, 404);
  for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE']) {
    const refused = await ask(listen, '/metrics', method);
    t.is(refused.status, 405, method);
    t.is(refused.headers['allow'], 'GET');
  }
  t.is((await ask(listen, '/metrics', 'GET', { host: 'evil.example:9464' })).status, 421);
  t.is((await ask(listen, '/metrics', 'GET', { host: 'localhost' })).status, 200);
  await helper.stop();
  await agent.until(() => agent.countOf('HelperUnreachable') > 0);
  const ready = await ask(listen, '/readyz');
  t.is(ready.status, 503);
  t.deepEqual(JSON.parse(ready.body), { status: 'failing', problems: [{ what: 'helper', reason: 'not connected' }] });
  t.is((await ask(listen, '/healthz')).status, 200, 'not at once');
  t.is(sumOf(await scrape(listen), 'probes_helper_connected'), 0);
  await agent.until(() => agent.countOf('HelperUnreachable') > 0);
  t.is(await agent.end(), 0);
  await t.throwsAsync(ask(listen, '/metrics'), { code: 'ECONNREFUSED' });
});

test.serial('without the key nothing listens; with it, SIGHUP moves and ends it', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  const [one, other] = [`127.0.0.1:${await ownPort()}`, `unix:${work.path('metrics.sock')}`];
  await using agent = await start(work, toFile(helper, work.path('events')));
  await agent.until(() => helper.clients.size === 1);
  t.is(agent.countOf('MetricsListening'), 0);
  work.configure(config(helper, work, one));
  await reload(agent, 'ConfigReloaded');
  t.is((await ask(one, '/readyz')).status, 200);
  work.configure(config(helper, work, other));
  await reload(agent, 'ConfigReloaded');
  t.is((await ask(other, '/readyz')).status, 200);
  await t.throwsAsync(ask(one, '/readyz'), { code: 'ECONNREFUSED' });
  const { ino } = lstatSync(work.path('metrics.sock'));
  await reload(agent, 'ConfigReloaded');
  t.is(lstatSync(work.path('metrics.sock')).ino, ino, 'what did not change stays');
  work.configure(toFile(helper, work.path('events')));
  await reload(agent, 'ConfigReloaded');
  t.false(existsSync(work.path('metrics.sock')));
  t.is(agent.countOf('MetricsClosed'), 2);
  t.is(helper.connections, 1);
  t.is(await agent.end(), 0);
});

test.serial(
  'a Unix socket has mode 0660; one that a killed agent left is taken over, anything else is left alone',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    const path = work.path('metrics.sock');
    const listen = `unix:${path}`;
    {
      await using first = await start(work, config(helper, work, listen));
      await listening(first, listen);
      t.is(lstatSync(path).mode & 0o777, 0o660);
      await killed(first);
    }
    t.true(lstatSync(path).isSocket());
    await using agent = await start(work, config(helper, work, listen));
    await listening(agent, listen);
    t.is((await ask(listen, '/metrics')).status, 200);

    const second = await start(work, config(helper, work, listen).replace('/events }', '/more }'));
    t.is((await second.exited).code, 4);
    t.regex(
      second.stderr,
      /OUTPUT_FAILED: metrics\.listen: cannot listen on unix:.*: another process listens there; stop it/,
    );
    t.is((await ask(listen, '/metrics')).status, 200);

    const file = work.path('file');
    writeFileSync(file, 'precious');
    work.configure(config(helper, work, `unix:${file}`));
    await reload(agent, 'ConfigRefused');
    t.regex(agent.stderr, /something else than a socket is there/);
    t.is(read(file), 'precious');
    work.configure(config(helper, work, `unix:${work.path('no/such/metrics.sock')}`));
    await reload(agent, 'ConfigRefused');
    t.regex(agent.stderr, /its folder does not exist, or the agent cannot write there/);
    t.is((await ask(listen, '/metrics')).status, 200);
    t.is(await agent.end(), 0);
    t.false(existsSync(path));
  },
);

test.serial('a port that is taken: a clear error at start; on reload everything stays as it was', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const taken = `127.0.0.1:${(holder.address() as AddressInfo).port}`;
  const free = `127.0.0.1:${await ownPort()}`;
  const refused = await start(work, config(helper, work, taken));
  t.is((await refused.exited).code, 4);
  t.is(
    refused.stderr.split('\n').find((line) => line.startsWith('OUTPUT_FAILED')),
    `OUTPUT_FAILED: metrics.listen: cannot listen on ${taken}: another process listens there; stop it, or choose another address`,
  );
  await using agent = await start(work, config(helper, work, free));
  await listening(agent, free);
  work.configure(config(helper, work, taken).replace('/events }', '/elsewhere }'));
  await reload(agent, 'ConfigRefused');
  t.false(existsSync(work.path('elsewhere')));
  // The other way about: the address is free, an output cannot be opened.
  const third = `127.0.0.1:${await ownPort()}`;
  work.configure(config(helper, work, third).replace('/events }', '/no/folder }'));
  await reload(agent, 'ConfigRefused');
  await t.throwsAsync(ask(third, '/readyz'), { code: 'ECONNREFUSED' });
  t.is((await ask(free, '/readyz')).status, 200);
  helper.send(execEvent(1));
  await agent.until(() => read(work.path('events')).includes('"seq":1,'));
  t.is(await agent.end(), 0);
  holder.close();
});
