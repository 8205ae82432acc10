import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { inCheckout } from '../../../installers/tools/root-folder.ts';
import { childrenOf } from '../accounting.ts';
import { forEachLine, type Told } from '../delivery.ts';
import { install, unpack } from '../install.ts';
import { AUDITD_COMMAND, auditdVersion, missingAuditd, startAuditd } from './audit-daemon.ts';
import type { Observer } from './observer.ts';
import { findPeer, missingPeer, versionOfProgram, type Peer } from './program.ts';

const PEER: Peer = { name: 'laurel', variable: 'BENCH_LAUREL', how: 'Debian has a package of it.' };
/** Unpacked, not installed: the package makes a user. */
const UNPACKED = inCheckout('build/bench/laurel');
const PATIENCE_MS = 10_000;

const program = (): string => findPeer(PEER) ?? path.join(UNPACKED, 'usr/sbin/laurel');

/** laurel as a plugin of auditd, which then writes no log of its own. */
export const LAUREL: Observer = {
  id: 'laurel',
  title: 'auditd with laurel',
  command: `${AUDITD_COMMAND}, with laurel --config FILE as its plugin`,
  version: () => {
    const number = versionOfProgram(program(), '--version')?.replace(/^laurel /, '') ?? 'of an unknown version';
    const origin = findPeer(PEER) === undefined ? ' (Debian’s package)' : '';
    return `laurel ${number}${origin}, its defaults except place and size of its log; ${auditdVersion()}, its own auditd.conf except write_logs = no, log_file and log_group`;
  },

  missing() {
    // One that is named and cannot run is not replaced by Debian's: the figures would be of a program that nobody asked for.
    if ((process.env[PEER.variable] ?? '') !== '' && findPeer(PEER) === undefined) return missingPeer(PEER);
    const auditd = missingAuditd();
    if (auditd !== undefined) return auditd;
    return findPeer(PEER) === undefined ? (install('libacl1') ?? unpack('laurel', UNPACKED)) : undefined;
  },

  async start(folder) {
    const output = path.join(folder, 'laurel');
    mkdirSync(output);
    const config = path.join(folder, 'laurel.toml');
    writeFileSync(config, `directory = "${output}"\n[auditlog]\nfile = "audit.jsonl"\nsize = ${2 ** 40}\n`);
    const log = path.join(output, 'audit.jsonl');
    // It looks for the folder of its log even when it writes none.
    const settings = { write_logs: 'no', log_file: path.join(folder, 'audit.log'), log_group: 'root' };
    const daemon = startAuditd(folder, settings, plugin(program(), config));
    await until(() => daemon.ended || childrenOf(daemon.pid).length > 0);
    const [pid] = childrenOf(daemon.pid);
    if (pid === undefined) {
      await daemon.stop();
      throw new Error(`auditd started no plugin: ${daemon.log()}`);
    }
    let lost = 0;
    return {
      processes: { auditd: daemon.pid, laurel: pid },
      kernel: daemon.kernel,
      size() {
        if (daemon.ended) throw new Error(`auditd ended: ${daemon.log()}`);
        return existsSync(log) ? statSync(log).size : 0;
      },
      log: () => daemon.log(),
      async stop() {
        lost = await daemon.stop();
        // It still reads what auditd has written into its pipe.
        await until(() => !existsSync(`/proc/${pid}`));
      },
      async read(deliveries) {
        deliveries.addReported(lost);
        await forEachLine([log], (line) => {
          const told = laurelExec(line);
          if (told !== undefined) deliveries.add(told);
        });
      },
    };
  },
};

/** Waits for it, PATIENCE_MS at most. */
async function until(holds: () => boolean): Promise<void> {
  for (const started = performance.now(); !holds() && performance.now() - started < PATIENCE_MS;) await delay(50);
}

/** A file for auditd's folder of plugins: auditd-plugins(5). */
const plugin = (file: string, config: string): string =>
  `active = yes\ndirection = out\npath = ${file}\ntype = always\nargs = --config ${config}\nformat = string\n`;

interface LaurelLine {
  readonly SYSCALL?: { readonly pid: number };
  /** `null` for an argument of which a record is missing: it was lost on its way to laurel. */
  readonly EXECVE?: { readonly ARGV: readonly (string | null)[] };
}

/** The exec of a line of laurel's log: all records of an event, in one object. Undefined for other events. */
export function laurelExec(line: string): Told | undefined {
  const { SYSCALL, EXECVE } = JSON.parse(line) as LaurelLine;
  if (SYSCALL === undefined || EXECVE === undefined) return undefined;
  return { pid: SYSCALL.pid, args: EXECVE.ARGV.map((text) => (text === null ? '' : unescaped(text))).join(' ') };
}

/** Some characters are written as %xx, a byte each: control characters, the percent sign and the plus sign. */
const unescaped = (text: string): string =>
  text.includes('%')
    ? Buffer.from(
        Buffer.from(text)
          .toString('latin1')
          .replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16))),
        'latin1',
      ).toString()
    : text;
