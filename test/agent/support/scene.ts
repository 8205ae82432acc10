import type { ExecEvent } from '../../../shared/events/exec.ts';
import { execEvent } from '../../support/fake-helper.ts';

/** Makes events of an invented machine, numbered without a hole. */
export class Scene {
  #seq: number;
  readonly #bootMs = Date.now() - 3_600_000;

  /** @param next the first number */
  constructor(next = 1) {
    this.#seq = next;
  }

  get next(): number {
    return this.#seq;
  }

  /** An exec now. @param parent its pid, and the program that it runs */
  exec(
    pid: number,
    argv: readonly string[],
    parent?: readonly [pid: number, exe: string],
    more: Partial<ExecEvent> = {},
  ): ExecEvent {
    const now = Date.now();
    const { exe = argv[0]!.startsWith('/') ? argv[0]! : `/usr/bin/${argv[0]}` } = more;
    return execEvent(this.#seq++, {
      pid,
      exe,
      filename: exe,
      argv: [...argv],
      argv_bytes: argv.join(' ').length + 1,
      command: [exe, ...argv.slice(1)].join(' '),
      comm: exe.slice(exe.lastIndexOf('/') + 1).slice(0, 15),
      time: new Date(now).toISOString().replace('Z', '000000Z'),
      timestamp: Math.floor(now / 1000),
      start_time: this.startOf(pid),
      flags: [],
      ppid: parent?.[0] ?? 1,
      parent: {
        pid: parent?.[0] ?? 1,
        start_time: parent === undefined ? 1 : this.startOf(parent[0]),
        exe: parent?.[1] ?? '/usr/lib/systemd/systemd',
      },
      ...more,
    });
  }

  /** When a process of this machine started: fixed for each pid. */
  startOf(pid: number): number {
    return (pid % 3_600_000) * 1000 + (this.#bootMs % 1000);
  }

  /** A person who logs in, works, and downloads something that a rule knows. */
  session(first: number): ExecEvent[] {
    const [sshd, bash, make, curl, sh] = [0, 1, 2, 3, 4].map((i) => first + i) as [
      number,
      number,
      number,
      number,
      number,
    ];
    return [
      this.exec(sshd, ['/usr/sbin/sshd', '-D', '-R'], undefined, { uid: 0, euid: 0 }),
      this.exec(bash, ['/usr/bin/bash', '-l'], [sshd, '/usr/sbin/sshd']),
      this.exec(make, ['/usr/bin/make', '-j4', 'all'], [bash, '/usr/bin/bash']),
      ...Array.from({ length: 4 }, (_, i) =>
        this.exec(
          first + 10 + i,
          ['/usr/bin/cc', '-O2', '-Wall', '-c', `src/part${i}.c`, '-o', `build/part${i}.o`],
          [make, '/usr/bin/make'],
        ),
      ),
      this.exec(curl, ['/usr/bin/curl', '-fsSL', 'https://get.example/install.sh'], [bash, '/usr/bin/bash']),
      this.exec(sh, ['/usr/bin/sh', '-s', '--', '--yes'], [bash, '/usr/bin/bash']),
    ];
  }
}
