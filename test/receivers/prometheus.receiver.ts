import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { inCheckout } from '../../installers/tools/root-folder.ts';
import { Workplace } from '../agent/support/agent-process.ts';
import { read, start, toFile } from '../agent/support/outputs.ts';
import { execEvent, FakeHelper } from '../support/fake-helper.ts';
import { ownPort } from '../support/own-port.ts';
import { ask } from '../support/metrics.ts';

const RULES = inCheckout('installers/prometheus/alerts.yml');
const PATIENCE_MS = 90_000;

test.serial('promtool accepts the example alerts, and what they say of their tests', (t) => {
  for (const args of [
    ['check', 'rules', RULES],
    ['test', 'rules', inCheckout('installers/prometheus/alerts.test.yml')],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
    t.is(status, 0, `${stdout}${stderr}`);
  }
});

/** A server of others, ended with its test. */
class Daemon implements AsyncDisposable {
  readonly #child: ChildProcess;
  said = '';

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => (this.said += text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

/** Gets what Alertmanager posts. */
async function webhook(): Promise<
  AsyncDisposable & { readonly url: string; readonly alerts: Array<Record<string, unknown>> }
> {
  const alerts: Array<Record<string, unknown>> = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.once('end', () => {
      alerts.push(...(JSON.parse(body) as { alerts: Array<Record<string, unknown>> }).alerts);
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    alerts,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The example alerts, whose waits are seconds: the test has no half minute for each. */
function hastyRules(work: Workplace): string {
  const file = work.path('alerts.yml');
  cpSync(RULES, file);
  writeFileSync(file, read(file).replaceAll(/for: \d+[sm]/g, 'for: 1s'));
  return file;
}

test.serial(
  'Prometheus scrapes the agent; when the helper is killed, Alertmanager tells the webhook, and again when it is back',
  async (t) => {
    t.timeout(2 * PATIENCE_MS);
    using work = new Workplace();
    await using helper = await new FakeHelper({ heartbeatMs: 1000 }).listen();
    await using receiver = await webhook();
    const [metrics, prometheusPort, managerPort] = [await ownPort(), await ownPort(), await ownPort()];
    const listen = `127.0.0.1:${metrics}`;
    await using agent = await start(work, `${toFile(helper, work.path('events'))}metrics: { listen: "${listen}" }\n`);
    helper.send(execEvent(1), execEvent(2));
    await agent.until(() => read(work.path('events')).includes('"seq":2,'));

    const { body } = await ask(listen, '/metrics');
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
    t.is(checked.status, 0, checked.stderr);
    t.is(`${checked.stdout}${checked.stderr}`, '');

    writeFileSync(
      work.path('alertmanager.yml'),
      `route: { receiver: hook, group_wait: 0s, group_interval: 1s, repeat_interval: 1h }
receivers: [{ name: hook, webhook_configs: [{ url: "${receiver.url}", send_resolved: true }] }]
`,
    );
    writeFileSync(
      work.path('prometheus.yml'),
      `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: ["${hastyRules(work)}"]
alerting: { alertmanagers: [{ static_configs: [{ targets: ["127.0.0.1:${managerPort}"] }] }] }
scrape_configs: [{ job_name: platform-probes, static_configs: [{ targets: ["${listen}"] }] }]
`,
    );
    await using manager = new Daemon('prometheus-alertmanager', [
      `--config.file=${work.path('alertmanager.yml')}`,
      `--storage.path=${work.path('manager')}`,
      `--web.listen-address=127.0.0.1:${managerPort}`,
      '--cluster.listen-address=',
    ]);
    await using prometheus = new Daemon('prometheus', [
      `--config.file=${work.path('prometheus.yml')}`,
      `--storage.tsdb.path=${path.join(work.folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${prometheusPort}`,
    ]);
    const until = async (what: () => boolean | Promise<boolean>): Promise<void> => {
      for (const deadline = performance.now() + PATIENCE_MS; !(await what()); await delay(200))
        if (performance.now() > deadline)
          throw new Error(
            `waited in vain for ${String(what)}\n${prometheus.said}\n${manager.said}\n${JSON.stringify(receiver.alerts)}`,
          );
    };
    const valueOf = async (query: string): Promise<string | undefined> => {
      const answer = await ask(`127.0.0.1:${prometheusPort}`, `/api/v1/query?query=${encodeURIComponent(query)}`).catch(
        () => undefined,
      );
      if (answer?.status !== 200) return undefined;
      const { data } = JSON.parse(answer.body) as { data: { result: Array<{ value: [number, string] }> } };
      return data.result[0]?.value[1];
    };
    const told = (status: string): boolean =>
      receiver.alerts.some(
        (alert) =>
          alert['status'] === status &&
          (alert['labels'] as Record<string, string>)['alertname'] === 'ProbesHelperDisconnected',
      );

    await until(async () => (await valueOf('probes_events_received_total{type="exec"}')) === '2');
    t.is(await valueOf('up{job="platform-probes"}'), '1');
    t.is(await valueOf('probes_output_up{output="local"}'), '1');
    t.is(await valueOf('count(ALERTS)'), undefined);
    await helper.stop();
    await until(() => told('firing'));
    t.deepEqual([...new Set(receiver.alerts.map(({ status }) => status))], ['firing']);
    await helper.listen();
    await until(() => told('resolved'));
    t.is(await agent.end(), 0);
  },
);
