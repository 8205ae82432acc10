import test from 'ava';
import type { Finding } from '../../../agent/doctor/finding.ts';
import { VERSION } from '../../../shared/version.ts';
import { execEvent, FakeHelper } from '../../support/fake-helper.ts';
import { ownPort } from '../../support/own-port.ts';
import { Receiver, status } from '../../support/receiver.ts';
import { Terminal } from '../../support/terminal.ts';
import { agentCommand, Workplace } from '../support/agent-process.ts';
import { controlledConfig, withControl } from '../support/controlled.ts';
import { read } from '../support/outputs.ts';
import { agent as run } from '../support/run.ts';

async function doctor(...args: string[]): Promise<{ code: number | null; findings: Finding[]; ok: boolean }> {
  const { code, stdout, stderr } = await run('doctor', '--json', ...args);
  try {
    return { code, ...(JSON.parse(stdout) as { ok: boolean; findings: Finding[] }) };
  } catch {
    throw new Error(`${stdout}\n${stderr}`);
  }
}

const of = (findings: readonly Finding[], check: string): Finding[] =>
  findings.filter((finding) => finding.check === check);

test.serial(
  'with an agent: each step in its order; a sensor that sees nothing is found out; outputs get no event',
  async (t) => {
    await using receiver = await new Receiver().listen();
    receiver.answer = status(401);
    const port = await ownPort();
    await withControl(
      async ({ helper, work }) => {
        helper.send(execEvent(1));
        const { code, findings, ok } = await doctor('--config', work.configFile);
        t.is(code, 10);
        t.false(ok);
        const order = [
          'kernel',
          'libbpf',
          'helper',
          'socket',
          'group',
          'hello',
          'canary',
          'heartbeat',
          'clock',
          'configuration',
          'rules',
          'disk',
          'output web',
          'agent',
          'descriptors',
          'control',
          'metrics',
        ];
        t.deepEqual([...new Set(findings.map(({ check }) => check))], order);
        t.like(of(findings, 'socket')[0], { verdict: 'ok' });
        t.regex(of(findings, 'canary')[0]!.says, /did not arrive through the agent within 5 s/);
        t.regex(of(findings, 'canary')[0]!.advice!, /a filter of the configuration may drop it/);
        t.like(of(findings, 'heartbeat')[0], { verdict: 'ok' });
        t.like(of(findings, 'configuration')[0], { verdict: 'ok' });
        t.like(of(findings, 'output web')[0], { verdict: 'problem' });
        t.like(of(findings, 'metrics')[0], { verdict: 'ok' });
        t.like(of(findings, 'agent')[0], { verdict: 'ok' });
        t.like(of(findings, 'descriptors')[0], { verdict: 'ok' });
        t.is(receiver.requests.filter(({ method, body }) => method === 'HEAD' && body === '').length, 1);
        work.configure(`${read(work.configFile)}# edited\n`);
        const edited = await doctor('--config', work.configFile);
        t.true(
          of(edited.findings, 'configuration').some(({ says }) => says.includes('an earlier version of this file')),
        );
      },
      `metrics: { listen: "127.0.0.1:${port}" }\n`,
      `  - { name: web, type: http, url: "${receiver.url}" }\n`,
    );
  },
);

test.serial('with the agent stopped: the helper is asked itself, and that no agent runs is said', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper({ heartbeatMs: 50, hello: { helper: VERSION } }).listen();
  work.configure(controlledConfig(helper, work));
  const { code, findings } = await doctor('--config', work.configFile);
  t.is(code, 10);
  t.like(of(findings, 'hello')[0], { verdict: 'ok' });
  t.like(of(findings, 'heartbeat')[0], { verdict: 'ok' });
  t.regex(of(findings, 'canary')[0]!.says, /did not arrive from the helper/);
  t.regex(of(findings, 'agent')[0]!.says, /no agent runs/);
  t.is(helper.bytesFromClients, 0);
  work.configure(controlledConfig(helper, work).replace(/^control.*$/m, ''));
  const without = await doctor('--config', work.configFile);
  t.like(of(without.findings, 'control')[0], { verdict: 'warning' });
});

test.serial('without a helper, and with a wrong configuration, it goes on to the end and names each', async (t) => {
  using work = new Workplace();
  work.configure('outputs: [{ name: a, type: fiel }]\nlgo: {}\n');
  const { code, findings } = await doctor('--config', work.configFile);
  t.is(code, 10);
  t.is(of(findings, 'configuration').filter(({ verdict }) => verdict === 'problem').length, 2);
  t.like(of(findings, 'canary')[0], { verdict: 'skipped' });
});

for (const [name, firstLine] of [
  ['no JSON', 'hello\u001b[2J'],
  ['another protocol', JSON.stringify({ type: 'hello', protocol: 99, helper: '\u001b[31mx' })],
  ['an endless line', 'x'.repeat(20 * 1024 * 1024)],
] as const)
  test.serial(`a socket that is not the helper's: ${name}`, async (t) => {
    using work = new Workplace();
    await using helper = new FakeHelper();
    helper.firstLine = firstLine;
    await helper.listen();
    work.configure(controlledConfig(helper, work));
    await using terminal = new Terminal(agentCommand('doctor', '--config', work.configFile), { columns: 60 });
    t.is(await terminal.status, 10);
    t.regex(terminal.rows.join(' '), /PROBLEM hello/);
    for (const control of ['\x1b[2J', '\x1b[31mx']) t.false(terminal.text.includes(control));
    for (const row of terminal.rows) t.true(row.length <= 60, row);
  });
