import type { Libc } from '../libc.ts';
import { sendDatagram } from '../sockets.ts';
import type { Reports } from '../../stream/loop.ts';

/** Reports to systemd, in the words of sd_notify(3). A report that it has no room for is lost; the next one follows. */
export function managerReports(libc: Libc, fd: number): Reports {
  const report = (state: string) => (): void => sendDatagram(libc, fd, state);
  return { ready: report('READY=1'), alive: report('WATCHDOG=1'), stopping: report('STOPPING=1') };
}
