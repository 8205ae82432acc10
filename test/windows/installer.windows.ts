import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';

import { buildMsi } from '../../installers/windows/msi.ts';
import type { ExecEvent } from '../../shared/events/exec.ts';
import { WindowsMachine } from './support/machine.ts';
import { makeStandInRelease } from './support/release.ts';
import { until } from './support/sensor.ts';
import { wholeLines } from '../support/lines.ts';

const machine = await WindowsMachine.start();
test.after.always(async () => machine[Symbol.asyncDispose]());

const HELPER = 'platform-probes-helper';
const AGENT = 'platform-probes-agent';
const PROGRAMS = ['Program Files', 'Platform Probes'] as const;
const DATA = ['ProgramData', 'platform-probes'] as const;

/** Makes an installer of the programs with test settings, as if this were another version. */
async function installer(version: string): Promise<string> {
  const name = `platform-probes-${version}.msi`;
  buildMsi({
    files: await makeStandInRelease(),
    output: path.join(machine.share, name),
    version,
    extraFiles: ['stand-in-etw.dll'],
  });
  return machine.windowsPath(name);
}

async function stateOf(service: string): Promise<string> {
  const { output } = await machine.run('sc', ['query', service]);
  return /STATE\s*:\s*\d+\s+(\w+)/.exec(output)?.[1] ?? 'none';
}

const running = async (): Promise<void> => {
  for (const service of [HELPER, AGENT])
    await until(`${service} runs`, async () => (await stateOf(service)) === 'RUNNING', 30_000);
};

/** Has the stand-in send events, and waits until the agent has written so many in all. */
async function send(order: string, expected: number): Promise<ExecEvent[]> {
  const folder = machine.onDriveC(...PROGRAMS);
  const draft = path.join(folder, 'draft');
  writeFileSync(draft, `${order}\n`);
  renameSync(draft, path.join(folder, 'orders.txt'));
  const file = machine.onDriveC(...DATA, 'events', 'events.jsonl');
  return until(`${expected} events`, () => {
    const lines = existsSync(file)
      ? wholeLines(readFileSync(file, 'utf8')).filter((line) => line.includes('"type":"exec"'))
      : [];
    return lines.length >= expected && lines.map((line) => JSON.parse(line) as ExecEvent);
  });
}

async function install(msi: string): Promise<void> {
  const { code, output } = await machine.run('msiexec', ['/i', msi, '/qn'], 120);
  if (code !== 0) throw new Error(`msiexec ended with ${code}: ${output}`);
}

test.serial('the installer installs and starts both services, and events arrive', async (t) => {
  await install(await installer('0.1.0'));
  t.deepEqual(
    readdirSync(machine.onDriveC(...PROGRAMS))
      .filter((name) => !name.endsWith('.txt') && !name.startsWith('session-'))
      .toSorted(),
    ['koffi.node', 'manifest.json', 'probes-agent.exe', 'probes-helper.exe', 'schemas', 'stand-in-etw.dll'],
  );
  await running();
  const events = await send('halves 3', 3);
  t.is(events.length, 3);
});

test.serial(
  'the agent depends on the helper; the audit sees an unquoted path, which is what Wine makes of it',
  async (t) => {
    const { output } = await machine.run('reg', [
      'query',
      String.raw`HKLM\SYSTEM\CurrentControlSet\Services` + `\\${AGENT}`,
    ]);
    t.regex(output, new RegExp(`DependOnService\\s+REG_MULTI_SZ\\s+${HELPER}`));
    const audit = await machine.run(String.raw`C:\Program Files\Platform Probes\probes-helper.exe`, [
      'audit',
      '--json',
      '--manifest',
      String.raw`C:\Program Files\Platform Probes\manifest.json`,
    ]);
    const { findings } = JSON.parse(audit.output) as { findings: { code: string }[] };
    t.deepEqual(
      findings.map(({ code }) => code),
      ['SERVICE_PATH_UNQUOTED'],
    );
  },
);

test.serial('services stop when they are told to, and start again', async (t) => {
  for (const service of [AGENT, HELPER]) {
    await machine.run('sc', ['stop', service]);
    await until(`${service} has stopped`, async () => (await stateOf(service)) === 'STOPPED', 30_000);
  }
  t.false(existsSync(machine.onDriveC(...PROGRAMS, 'session-platform-probes')), 'the session was ended');
  for (const service of [HELPER, AGENT]) await machine.run('sc', ['start', service]);
  await running();
  t.is((await send('halves 2', 5)).length, 5);
});

test.serial(
  'a helper that crashed is started again over its own remains, and the agent comes back by itself',
  async (t) => {
    const folder = machine.onDriveC(...PROGRAMS);
    writeFileSync(path.join(folder, 'orders.txt'), 'crash\n');
    await until('the helper is gone', async () => (await stateOf(HELPER)) !== 'RUNNING', 30_000);
    t.true(existsSync(path.join(folder, 'session-platform-probes')), 'the session is left over');
    for (const name of readdirSync(folder))
      if (name.startsWith('orders')) renameSync(path.join(folder, name), path.join(machine.share, name));
    // Windows does this by itself, as the installer has told it; Wine's service manager does not.
    await machine.run('sc', ['start', HELPER]);
    await running();
    const events = await send('halves 1', 6);
    t.is(events.length, 6);
    // By three helpers of one boot, one of which was told to stop and one not.
    const numbers = events.map(({ seq }) => seq);
    t.deepEqual(
      numbers,
      [...new Set(numbers)].toSorted((a, b) => a - b),
      'each numbers above the one before',
    );
  },
);

test.serial('an upgrade replaces the programs and leaves the configuration as it was edited', async (t) => {
  t.timeout(240_000);
  const config = machine.onDriveC(...DATA, 'agent.yaml');
  const edited = `${readFileSync(config, 'utf8')}# edited\n`;
  writeFileSync(config, edited);
  await install(await installer('0.1.1'));
  t.is(readFileSync(config, 'utf8'), edited);
  await running();
  t.is((await send('halves 1', 7)).length, 7);
});

test.serial('removal takes services and programs away, and leaves configuration and events', async (t) => {
  const { code, output } = await machine.run(
    'msiexec',
    ['/x', machine.windowsPath('platform-probes-0.1.1.msi'), '/qn'],
    120,
  );
  t.is(code, 0, output);
  for (const service of [HELPER, AGENT]) t.is(await stateOf(service), 'none');
  t.false(existsSync(machine.onDriveC(...PROGRAMS, 'manifest.json')));
  t.true(existsSync(machine.onDriveC(...DATA, 'agent.yaml')));
  t.true(existsSync(machine.onDriveC(...DATA, 'events', 'events.jsonl')));
});
