/** The facts that the command line needs about a system, before it runs any of that system's code. */
export interface System {
  readonly socket: string;
  readonly group: string;
  readonly user: string;
  /** Values of `--source`; the first one is the default. */
  readonly sources: readonly [string, ...string[]];
  /** Flags of `run` that this system has in addition to the common ones. */
  readonly flags: ReadonlySet<OwnFlag>;
}

export type OwnFlag = 'user' | 'pin' | 'exits' | 'failures' | 'forks' | 'env' | 'notify' | 'service';

const SYSTEMS: Readonly<Partial<Record<NodeJS.Platform, System>>> = {
  linux: {
    socket: '/run/platform-probes/events.sock',
    group: 'probes',
    user: 'probes-helper',
    sources: ['ebpf'],
    flags: new Set(['user', 'pin', 'exits', 'failures', 'forks', 'env', 'notify']),
  },
  darwin: {
    // Not in /var/run, which a group of the system can write to.
    socket: '/var/db/platform-probes/events.sock',
    group: '_platformprobes',
    user: '_platformprobes_helper',
    sources: ['auto', 'dtrace', 'eslogger'],
    flags: new Set(['user', 'failures', 'env']),
  },
  win32: {
    socket: String.raw`\\.\pipe\platform-probes-events`,
    group: String.raw`NT SERVICE\platform-probes-agent`,
    user: '',
    sources: ['etw'],
    flags: new Set(['service']),
  },
};

/** An unknown system gets the values of Linux; running the helper there fails later. */
export const systemOf = (platform: NodeJS.Platform): System => SYSTEMS[platform] ?? (SYSTEMS.linux as System);
