import { existsSync, statSync } from 'node:fs';
import path from 'node:path';

import { forEachLine, type Deliveries } from '../delivery.ts';
import { AUDITD_COMMAND, auditdVersion, missingAuditd, startAuditd } from './audit-daemon.ts';
import type { Observer } from './observer.ts';

export const AUDITD: Observer = {
  id: 'auditd',
  title: 'auditd',
  command: AUDITD_COMMAND,
  version: () => `${auditdVersion()}, its own auditd.conf except log_file, log_group and rotation`,
  missing: missingAuditd,

  async start(folder) {
    const log = path.join(folder, 'audit.log');
    const daemon = startAuditd(folder, { log_file: log, log_group: 'root', max_log_file_action: 'IGNORE' });
    let lost = 0;
    return {
      processes: { auditd: daemon.pid },
      kernel: daemon.kernel,
      size() {
        if (daemon.ended) throw new Error(`auditd ended: ${daemon.log()}`);
        return existsSync(log) ? statSync(log).size : 0;
      },
      log: () => daemon.log(),
      async stop() {
        lost = await daemon.stop();
      },
      async read(deliveries) {
        deliveries.addReported(lost);
        await readLog(log, deliveries);
      },
    };
  },
};

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
