import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { hasCommand } from '../../../installers/tools/system-packages.ts';
import { inCheckout } from '../../../installers/tools/root-folder.ts';
import { kernelThread } from '../accounting.ts';
import { atEnd } from '../cleanup.ts';
import { forEachLine, type Deliveries } from '../delivery.ts';
import { candidateOf, install, unpack, versionOf } from '../install.ts';
import type { Observer, Watch } from './observer.ts';
import { Reader } from './process.ts';

/** Unpacked, not installed: installed, it would start with the machine from then on. */
const UNPACKED = inCheckout('build/bench/auditd');
const RULE = ['always,exit', '-F', 'arch=b64', '-S', 'execve', '-k', 'probes-bench'];
/** Once there was an audit rule, the kernel prepares every new process for more of them until the next boot. This keeps the other runs free of that. */
const QUIET = ['never,task'];

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

export const AUDITD: Observer = {
  id: 'auditd',
  title: 'auditd',
  command: `auditctl -b 8192; auditctl -a ${RULE.join(' ')}; auditd -n -c FOLDER`,
  version: () =>
    `Debian package auditd ${versionOf('auditd') ?? candidateOf('auditd')}, its own auditd.conf except log_file, log_group and rotation`,

  missing() {
    const failure = hasCommand('auditd')
      ? undefined
      : (install('libauparse0', 'libwrap0') ?? unpack('auditd', UNPACKED));
    if (failure !== undefined) return failure;
    try {
      const now = status();
      if (now.get('pid') !== '0') return `an audit daemon runs already (process ${now.get('pid')}); it is left alone`;
      if (now.get('enabled') === '2') return 'the audit rules of this machine are locked until the next boot';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    return undefined;
  },

  async start(folder) {
    quiet?.();
    const before = status();
    const config = path.join(folder, 'config');
    const log = path.join(folder, 'audit.log');
    mkdirSync(path.join(config, 'plugins.d'), { recursive: true });
    writeFileSync(path.join(config, 'auditd.conf'), configuration(log, path.join(config, 'plugins.d')), {
      mode: 0o640,
    });
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
    let lost = 0;
    const watch: Watch = {
      processes: { auditd: reader.pid },
      ...(kernel === undefined ? {} : { kernel: { kauditd: kernel } }),
      size() {
        if (reader.ended) throw new Error(`auditd ended: ${reader.log()}`);
        return existsSync(log) ? statSync(log).size : 0;
      },
      log: () => reader.log(),
      async stop() {
        lost = Number(status().get('lost') ?? 0) - lostBefore;
        await reader.stop('SIGTERM');
        restore();
      },
      async read(deliveries) {
        deliveries.addReported(lost);
        await readLog(log, deliveries);
      },
    };
    return watch;
  },
};

/** The package's own configuration, with one log of any length. */
function configuration(log: string, plugins: string): string {
  const unpacked = path.join(UNPACKED, 'etc/audit/auditd.conf');
  const text = readFileSync(existsSync(unpacked) ? unpacked : '/etc/audit/auditd.conf', 'utf8');
  const changes = { log_file: log, log_group: 'root', max_log_file_action: 'IGNORE', plugin_dir: plugins };
  return Object.entries(changes).reduce(
    (result, [key, value]) => result.replace(new RegExp(`^${key} = .*$`, 'm'), `${key} = ${value}`),
    text,
  );
}

interface Exec {
  pid: number;
  readonly args: string[];
}

/** An exec is several records with one serial number; a long argument is several records more. */
async function readLog(log: string, deliveries: Deliveries): Promise<void> {
  const open = new Map<string, Exec>();
  const close = (serial: string): void => {
    const exec = open.get(serial);
    if (exec?.args.length) deliveries.add({ pid: exec.pid, args: exec.args.join(' ') });
    open.delete(serial);
  };
  await forEachLine([log], (line) => {
    const head = /^type=(?<type>\w+) msg=audit\([\d.]+:(?<serial>\d+)\): /.exec(line);
    const { type, serial } = head?.groups ?? {};
    if (head === null || serial === undefined) return;
    if (type === 'SYSCALL') open.set(serial, { pid: Number(/ pid=(\d+) /.exec(line)?.[1]), args: [] });
    else if (type === 'EXECVE') addArguments(open.get(serial)?.args, line.slice(head[0].length));
    else if (type === 'PROCTITLE') close(serial);
  });
  for (const serial of open.keys()) close(serial);
}

/** `argc=2 a0="ls" a1_len=9000 a1[0]="…"`; what is not printable is in hexadecimal. */
function addArguments(args: string[] | undefined, text: string): void {
  if (args === undefined) return;
  for (const [, index, value] of text.matchAll(/\ba(\d+)(?:\[\d+\])?=("[^"]*"|[0-9A-F]*)/g)) {
    const piece = value?.startsWith('"') === true ? value.slice(1, -1) : Buffer.from(value ?? '', 'hex').toString();
    args[Number(index)] = (args[Number(index)] ?? '') + piece;
  }
}
