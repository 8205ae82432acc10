import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** The machine of the figures; nothing that names it. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memory: string;
  readonly virtual: string;
  readonly kernel: string;
  readonly distribution: string;
  readonly node: string;
  readonly load: readonly number[];
}

/** @param load averages of 1, 5 and 15 minutes before the start */
export function describeMachine(load: readonly number[] = loadavg()): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    virtual: isVirtual() ? 'virtual machine' : 'no hypervisor seen',
    kernel: release(),
    distribution:
      /^PRETTY_NAME="?(?<name>[^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.groups?.['name'] ?? 'unknown',
    node: process.version,
    load,
  };
}

/** Whether the processor says that a hypervisor is below it, as it does on x86 alone. */
export const isVirtual = (): boolean =>
  process.platform === 'linux' && /^flags\s*:.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));

/** Of the checkout: the commit, and whether there is more than that. */
export function describeCommit(root: string): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', ['-c', 'safe.directory=*', ...args], { cwd: root, encoding: 'utf8' }).trim();
    const changed = git('status', '--porcelain', '--', 'helper', 'agent', 'shared', 'bpf') !== '';
    return git('rev-parse', '--short=12', 'HEAD') + (changed ? ' with changes' : '');
  } catch {
    return 'no git checkout';
  }
}
