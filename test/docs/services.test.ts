// The units of systemd: docs/services.md says what they are, and the programs take what they are given.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';

import { EXIT } from '../../agent/exit-codes.ts';
import { loadConfig } from '../../agent/config/load.ts';
import { HELPER_SILENT_MS } from '../../agent/service/vitals.ts';
import { STUCK_AFTER_MS } from '../../agent/outputs/output.ts';
import { parseAudit, parseRun } from '../../helper/command-line.ts';
import { commonFiles, LIBEXEC } from '../../installers/linux/payload.ts';
import { inCheckout } from '../../installers/tools/root-folder.ts';
import { tableOf } from '../support/markdown.ts';

const FOLDER = inCheckout('installers/linux/root/usr/lib/systemd/system');
const PAGE = readFileSync(inCheckout('docs/services.md'), 'utf8');
const COLUMNS = {
  helper: 'probes-helper.service',
  agent: 'probes-agent.service',
  audit: 'platform-probes-audit.service',
} as const;

/** The settings of a unit, in order; one that is set twice is there twice. */
function settings(unit: string): [name: string, value: string][] {
  return readFileSync(path.join(FOLDER, unit), 'utf8')
    .split('\n')
    .filter((line) => /^\w+=/u.test(line))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
}

const valuesOf = (unit: string, name: string): string[] =>
  settings(unit).flatMap(([setting, value]) => (setting === name ? [value] : []));

test('the sandbox is that of the table, setting by setting', (t) => {
  const rows = tableOf(PAGE, 'Sandbox');
  t.true(rows.length > 20);
  for (const [column, unit] of Object.entries(COLUMNS)) {
    for (const row of rows) {
      const name = (row['setting'] ?? '').replaceAll('`', '');
      const cell = (row[column] ?? '').replaceAll('`', '');
      const expected = { 'x': ['yes'], 'nothing': [''], '': [] }[cell] ?? [cell];
      t.deepEqual(valuesOf(unit, name), expected, `${name} in ${unit}`);
    }
  }
});

test('what confines a unit and is not in the table is nothing that the page leaves out by mistake', (t) => {
  const told = new Set(tableOf(PAGE, 'Sandbox').map((row) => (row['setting'] ?? '').replaceAll('`', '')));
  const confining =
    /^(?:Protect|Private|Restrict(?!Prevent)|Lock|Memory|CapabilityB|NoNew|IP|Keyring|SystemCallA|ReadWrite|UMask|LimitCORE)/u;
  for (const unit of Object.values(COLUMNS))
    for (const [name] of settings(unit)) t.true(!confining.test(name) || told.has(name), `${name} in ${unit}`);
});

test('the programs are where the units start them, and take these command lines', (t) => {
  const programs = [`/${LIBEXEC}/probes-helper`, `/${LIBEXEC}/probes-agent`];
  const commands = Object.values(COLUMNS).flatMap((unit) =>
    settings(unit).flatMap(([name, value]) => (name.startsWith('Exec') ? [value.replace(/^[-+]/u, '')] : [])),
  );
  t.is(commands.length, 7);
  for (const command of commands) {
    const [program = '', subcommand, ...args] = command.split(' ');
    if (program.startsWith('/bin/')) continue;
    t.true(programs.includes(program), command);
    if (program.endsWith('agent')) t.true(['run', 'check'].includes(subcommand ?? '') && args.length === 0, command);
    else if (subcommand === 'audit') t.is(parseAudit(args).manifest, `/${LIBEXEC}/manifest.json`);
    else {
      const options = parseRun(args.map((arg) => arg.replace(/\$\{NOTIFY_SOCKET\}/u, '/run/systemd/notify')));
      t.like(options, { pin: true, notify: '/run/systemd/notify', socket: '/run/platform-probes/events.sock' });
    }
  }
});

test('a wrong configuration is not tried again, and the numbers of the page are those of the code', (t) => {
  t.deepEqual(valuesOf(COLUMNS.agent, 'RestartPreventExitStatus'), [String(EXIT.CONFIG)]);
  for (const unit of [COLUMNS.helper, COLUMNS.agent]) {
    t.deepEqual([valuesOf(unit, 'StartLimitBurst'), valuesOf(unit, 'StartLimitIntervalSec')], [['60'], ['10min']]);
    t.deepEqual(valuesOf(unit, 'Restart'), ['always']);
  }
  t.true(PAGE.includes('After 60 attempts in ten minutes'));
  t.deepEqual(valuesOf(COLUMNS.helper, 'WatchdogSec'), ['30s']);
  t.deepEqual(valuesOf(COLUMNS.agent, 'WatchdogSec'), ['2min']);
  t.deepEqual(valuesOf(COLUMNS.agent, 'TimeoutAbortSec'), ['30s']);
  t.true(PAGE.includes('30 s without: SIGKILL') && PAGE.includes('2 min without: SIGTERM, after 30 s SIGKILL'));
  t.is(STUCK_AFTER_MS, 600_000);
  t.true(PAGE.includes('has taken ten minutes'));
  t.is(HELPER_SILENT_MS, 300_000);
  t.true(PAGE.includes('for five minutes'));
});

test('all units are in the preset or started by one that is, and in the page', (t) => {
  const preset = readFileSync(
    inCheckout('installers/linux/root/usr/lib/systemd/system-preset/90-platform-probes.preset'),
    'utf8',
  );
  for (const unit of readdirSync(FOLDER)) {
    t.true(PAGE.includes(unit.replace(/\.timer$/u, '')), unit);
    const name = unit === COLUMNS.audit ? 'platform-probes-audit.timer' : unit;
    t.true(preset.includes(`enable ${name}\n`), unit);
  }
});

test('the configuration that is installed is the example: all events and alerts to files, alerts to the journal, rules on', (t) => {
  const installed = commonFiles(0).find(({ path: name }) => name === 'etc/platform-probes/agent.yaml');
  const example = inCheckout('agent/agent.example.yaml');
  t.is(installed?.data?.toString(), readFileSync(example, 'utf8'));
  const loaded = loadConfig(example);
  if (!loaded.ok) return t.fail(JSON.stringify(loaded.problems));
  const { outputs, rules } = loaded.config;
  t.deepEqual(
    outputs.map(({ type, events }) => [type, events]),
    [
      ['file', 'all'],
      ['file', 'alerts'],
      ['stdout', 'alerts'],
    ],
  );
  t.like(rules, { builtin: true, folders: ['/etc/platform-probes/rules'] });
  t.true(commonFiles(0).some(({ path: name }) => name === 'etc/platform-probes/rules/README'));
});
