/** What the command line knows of a system before any of that system's code runs. */
export interface System {
  readonly socket: string;
  readonly group: string;
  readonly user: string;
  /** What `--source` may be; the first one is the default. */
  readonly sources: readonly [string, ...string[]];
  /** Flags of `run` that this system has beside those that all have. */
  readonly flags: ReadonlySet<OwnFlag>;
}

type OwnFlag = 'user' | 'pin' | 'exits' | 'failures' | 'service';

const SYSTEMS: Readonly<Partial<Record<NodeJS.Platform, System>>> = {
  linux: {
    socket: '/run/platform-probes/events.sock',
    group: 'probes',
    user: 'probes-helper',
    sources: ['ebpf'],
    flags: new Set(['user', 'pin', 'exits', 'failures']),
  },
  darwin: {
    // Not in /var/run, which a group of the system can write to.
    socket: '/var/db/platform-probes/events.sock',
    group: '_platformprobes',
    user: '_platformprobes_helper',
    sources: ['auto', 'dtrace', 'eslogger'],
    flags: new Set(['user', 'failures']),
  },
  win32: {
    socket: String.raw`\\.\pipe\platform-probes-events`,
    group: String.raw`NT SERVICE\platform-probes-agent`,
    user: '',
    sources: ['etw'],
    flags: new Set(['service']),
  },
};

/** A system that is not known gets what Linux has; running is then refused where it is tried. */
export const systemOf = (platform: NodeJS.Platform): System => SYSTEMS[platform] ?? (SYSTEMS.linux as System);
