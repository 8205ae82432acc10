import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { hasCommand } from '../../../installers/tools/system-packages.ts';
import { inCheckout } from '../../../installers/tools/root-folder.ts';
import { kernelThread } from '../accounting.ts';
import { atEnd } from '../cleanup.ts';
import { candidateOf, install, unpack, versionOf } from '../install.ts';
import { Reader } from './process.ts';

/** Unpacked, not installed: installed, it would start with the machine from then on. */
const UNPACKED = inCheckout('build/bench/auditd');
const RULE = ['always,exit', '-F', 'arch=b64', '-S', 'execve', '-k', 'probes-bench'];
/** Once there was an audit rule, the kernel prepares every new process for more of them until the next boot. This keeps the other runs free of that. */
const QUIET = ['never,task'];

export const AUDITD_COMMAND = `auditctl -b 8192; auditctl -a ${RULE.join(' ')}; auditd -n -c FOLDER`;

let quiet: (() => void) | undefined;

function auditctl(...args: readonly string[]): string {
  const program = hasCommand('auditctl') ? 'auditctl' : path.join(UNPACKED, 'sbin/auditctl');
  const run = spawnSync(program, args, { encoding: 'utf8' });
  if (run.status !== 0)
    throw new Error(
      `auditctl ${args.join(' ')}: ${run.error?.message ?? (run.stderr.trim() || `exit code ${run.status}`)}`,
    );
  return run.stdout;
}

const status = (): Map<string, string> =>
  new Map(
    auditctl('-s')
      .trim()
      .split('\n')
      .map((line) => line.split(' ', 2) as [string, string]),
  );

export const auditdVersion = (): string => `Debian package auditd ${versionOf('auditd') ?? candidateOf('auditd')}`;

/** Installs what it needs. @returns why auditd cannot run here, or undefined */
export function missingAuditd(): string | undefined {
  const failure = hasCommand('auditd') ? undefined : (install('libauparse0', 'libwrap0') ?? unpack('auditd', UNPACKED));
  if (failure !== undefined) return failure;
  try {
    const now = status();
    if (now.get('pid') !== '0') return `an audit daemon runs already (process ${now.get('pid')}); it is left alone`;
    if (now.get('enabled') === '2') return 'the audit rules of this machine are locked until the next boot';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return undefined;
}

/** An auditd that runs, with a rule for execve. */
export interface AuditDaemon {
  readonly pid: number;
  /** The kernel's thread that works for it; empty where there is none to be seen. */
  readonly kernel: Readonly<Record<string, number>>;
  readonly ended: boolean;
  log(): string;
  /** Ends it and removes the rule. @returns records that the kernel lost meanwhile */
  stop(): Promise<number>;
}

/**
 * Starts it with its package's configuration.
 * @param folder for its configuration and its own messages
 * @param settings of auditd.conf that differ from the package's
 * @param plugin text of a file in its folder of plugins
 */
export function startAuditd(folder: string, settings: Readonly<Record<string, string>>, plugin?: string): AuditDaemon {
  quiet?.();
  const before = status();
  const config = path.join(folder, 'config');
  const plugins = path.join(config, 'plugins.d');
  mkdirSync(plugins, { recursive: true });
  writeFileSync(path.join(config, 'auditd.conf'), configuration({ ...settings, plugin_dir: plugins }), { mode: 0o640 });
  if (plugin !== undefined) writeFileSync(path.join(plugins, 'plugin.conf'), plugin, { mode: 0o640 });
  const program = hasCommand('auditd') ? 'auditd' : path.join(UNPACKED, 'sbin/auditd');
  auditctl('-b', '8192');
  auditctl('-a', ...RULE);
  const restore = atEnd(() => {
    auditctl('-d', ...RULE);
    auditctl('-b', before.get('backlog_limit') ?? '64');
    auditctl('-e', before.get('enabled') ?? '0');
    auditctl('-a', ...QUIET);
    quiet = atEnd(() => auditctl('-d', ...QUIET));
  });
  const reader = new Reader(folder, [program, '-n', '-s', 'enable', '-c', config]);
  const lostBefore = Number(before.get('lost') ?? 0);
  const kernel = kernelThread('kauditd');
  return {
    pid: reader.pid,
    kernel: kernel === undefined ? {} : { kauditd: kernel },
    get ended() {
      return reader.ended;
    },
    log: () => reader.log(),
    async stop() {
      const lost = Number(status().get('lost') ?? 0) - lostBefore;
      await reader.stop('SIGTERM');
      restore();
      return lost;
    },
  };
}

/** The package's own configuration with changes. */
function configuration(changes: Readonly<Record<string, string>>): string {
  const unpacked = path.join(UNPACKED, 'etc/audit/auditd.conf');
  const text = readFileSync(existsSync(unpacked) ? unpacked : '/etc/audit/auditd.conf', 'utf8');
  return Object.entries(changes).reduce(
    (result, [key, value]) => result.replace(new RegExp(`^${key} = .*$`, 'm'), `${key} = ${value}`),
    text,
  );
}
