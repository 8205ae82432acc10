import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';

import type { Debian } from './debian.ts';

/** The units that the packages enable, in the order in which they start. */
export const UNITS = ['probes-helper.service', 'probes-agent.service', 'platform-probes-audit.timer'];

/**
 * Makes it look as if systemd ran: what it is told is written to /told. With real systemd, the same is tested in guests
 * (npm run test:packages).
 */
export function runSystemd(machine: Debian): void {
  mkdirSync(machine.at('run/systemd/system'), { recursive: true });
  // The root folder of process 1 is ours.
  mkdirSync(machine.at('proc/1'));
  symlinkSync('/', machine.at('proc/1/root'));
  const program = (name: string, text: string): void => {
    writeFileSync(machine.at(name), `#!/bin/sh\n${text}\n`);
    chmodSync(machine.at(name), 0o755);
  };
  program(
    'usr/bin/systemctl',
    `for word; do
  case "$word" in
  is-enabled) echo enabled; exit ;;
  is-active | --version) exit ;;
  preset) exit ;; # from deb-systemd-helper
  start | restart | stop | try-restart | disable | daemon-reload) echo "$*" >>/told; exit ;;
  esac
done
echo "systemctl $*: not expected" >&2
exit 1`,
  );
}

/** The commands to systemd since the last call, without options. */
export function told(machine: Debian): string[] {
  const lines = existsSync(machine.at('told')) ? readFileSync(machine.at('told'), 'utf8').trim().split('\n') : [];
  rmSync(machine.at('told'), { force: true });
  return lines.map((line) => line.replaceAll(/--\S+ /gu, ''));
}
