import type { ExecEvent } from '../../../shared/events/exec.ts';
import type { ContainerFact } from '../../containers/container.ts';
import { imageOf } from './incomplete.ts';
import type { Lookups, VersionInfo } from './lookups.ts';
import { assignmentsOf } from '../../values/environment.ts';
import type { Platform } from '../../values/platform.ts';

export interface FieldRow {
  /** Sigma's name (taxonomy appendix, process creation). */
  readonly sigma: string;
  /** Where it comes from, for docs/rules.md. */
  readonly from: string;
  readonly platforms: readonly Platform[];
  /** The look-ups it needs, if any. */
  readonly lookups?: ReadonlyArray<keyof Lookups>;
  readonly read: (event: ExecEvent, lookups: Lookups) => unknown;
}

const ALL = ['linux', 'macos', 'windows'] as const;
const UNIX = ['linux', 'macos'] as const;
const WINDOWS = ['windows'] as const;
const LINUX = ['linux'] as const;

/**
 * The command line as the process sees it. Windows has one text, which an event may carry
 * as `command_line`; elsewhere it is the arguments with single spaces between them.
 */
export function commandLineOf(event: ExecEvent): string {
  const whole = (event as { command_line?: unknown }).command_line;
  if (typeof whole === 'string') return whole;
  return event.argv === undefined || event.argv.length === 0 ? event.command : event.argv.join(' ');
}

const versionRow = (sigma: string, key: keyof VersionInfo): FieldRow => ({
  sigma,
  from: 'version resource of the image',
  platforms: WINDOWS,
  lookups: ['versionInfo'],
  read: (event, { versionInfo }) => {
    const path = imageOf(event);
    return path === undefined ? undefined : versionInfo?.(path)?.[key];
  },
});

const digestRow = (sigma: 'md5' | 'sha1' | 'sha256'): FieldRow => ({
  sigma,
  from: 'digest of the image',
  platforms: ALL,
  lookups: ['digests'],
  read: (event, { digests }) => digests?.(event)?.[sigma],
});

const importHashRow = (sigma: string): FieldRow => ({
  sigma,
  from: 'import hash of the image',
  platforms: WINDOWS,
  lookups: ['imphash'],
  read: (event, { imphash }) => imphash?.(event),
});

const containerRow = (key: keyof ContainerFact, from: string): FieldRow => ({
  sigma: `container.${key}`,
  from,
  platforms: LINUX,
  lookups: ['container'],
  read: (event, { container }) => container?.(event)?.[key],
});

/** Every name that rules for process creation use and that we can fill. docs/rules.md shows the same table; a test compares them. */
export const FIELDS: readonly FieldRow[] = [
  { sigma: 'Image', from: '`exe`, else `filename`', platforms: ALL, read: imageOf },
  {
    sigma: 'CommandLine',
    from: '`command_line`, else `argv` joined by spaces, else `command`',
    platforms: ALL,
    read: commandLineOf,
  },
  { sigma: 'CurrentDirectory', from: '`cwd`', platforms: ALL, read: (e) => e.cwd },
  { sigma: 'ProcessId', from: '`pid`', platforms: ALL, read: (e) => e.pid },
  {
    sigma: 'ProcessGuid',
    from: 'entity id',
    platforms: ALL,
    lookups: ['entityId'],
    read: (e, { entityId }) => entityId?.(e),
  },
  { sigma: 'UtcTime', from: '`time`, as `2023-03-15 13:20:00.123`', platforms: ALL, read: utcTime },
  { sigma: 'User', from: 'name of `uid`, else the number', platforms: UNIX, lookups: ['userName'], read: userName },
  {
    sigma: 'User',
    from: 'account of `user_sid`, else the SID',
    platforms: WINDOWS,
    lookups: ['accountName'],
    read: accountName,
  },
  { sigma: 'LogonId', from: '`loginuid`', platforms: UNIX, read: (e) => e.loginuid },
  {
    sigma: 'LogonId',
    from: 'logon session',
    platforms: WINDOWS,
    lookups: ['logonId'],
    read: (e, { logonId }) => logonId?.(e),
  },
  { sigma: 'TerminalSessionId', from: '`session_id`', platforms: ALL, read: (e) => e.session_id },
  { sigma: 'ParentImage', from: '`parent.exe`', platforms: ALL, read: (e) => e.parent?.exe },
  { sigma: 'ParentProcessId', from: '`ppid`, else `parent.pid`', platforms: ALL, read: (e) => e.ppid ?? e.parent?.pid },
  {
    sigma: 'ParentCommandLine',
    from: 'process tree',
    platforms: ALL,
    lookups: ['parentCommandLine'],
    read: (e, { parentCommandLine }) => parentCommandLine?.(e),
  },
  {
    sigma: 'ParentProcessGuid',
    from: 'entity id of the parent',
    platforms: ALL,
    lookups: ['parentEntityId'],
    read: (e, { parentEntityId }) => parentEntityId?.(e),
  },
  {
    sigma: 'ParentUser',
    from: 'process tree',
    platforms: ALL,
    lookups: ['parentUser'],
    read: (e, { parentUser }) => parentUser?.(e),
  },
  {
    sigma: 'GrandParentImage',
    from: 'process tree',
    platforms: ALL,
    lookups: ['grandParentImage'],
    read: (e, { grandParentImage }) => grandParentImage?.(e),
  },
  {
    sigma: 'IntegrityLevel',
    from: 'token of the process',
    platforms: WINDOWS,
    lookups: ['integrityLevel'],
    read: (e, { integrityLevel }) => integrityLevel?.(e),
  },
  versionRow('OriginalFileName', 'originalFileName'),
  versionRow('FileVersion', 'fileVersion'),
  versionRow('Description', 'description'),
  versionRow('Product', 'product'),
  versionRow('Company', 'company'),
  {
    sigma: 'Hashes',
    from: 'digests of the image, as `MD5=…,SHA256=…`',
    platforms: UNIX,
    lookups: ['digests'],
    read: hashes,
  },
  {
    sigma: 'Hashes',
    from: 'digests and import hash of the image, as `MD5=…,SHA256=…,IMPHASH=…`',
    platforms: WINDOWS,
    lookups: ['digests', 'imphash'],
    read: hashes,
  },
  digestRow('md5'),
  digestRow('sha1'),
  digestRow('sha256'),
  importHashRow('imphash'),
  importHashRow('Imphash'),
  {
    sigma: 'Environment',
    from: '`env` and `env_repeated`, as a list of `NAME=value`',
    platforms: UNIX,
    read: assignmentsOf,
  },
  containerRow('id', '`cgroup`: the innermost container'),
  containerRow('runtime', '`cgroup`: `docker`, `containerd`, `cri-o`, `podman`, `lxc`, `systemd-nspawn`'),
  containerRow('pod_uid', '`cgroup`: uid of the pod of Kubernetes'),
  containerRow('qos', '`cgroup`: `guaranteed`, `burstable`, `besteffort`'),
  containerRow('name', "the container's engine"),
  containerRow('image', "the container's engine"),
];

/** An event of a rule's test may lack its time. */
function utcTime({ time }: Partial<ExecEvent>): string | undefined {
  return time?.replace('T', ' ').slice(0, 23).replace(/Z$/, '');
}

function userName({ uid }: ExecEvent, lookups: Lookups): string | undefined {
  return uid === undefined ? undefined : (lookups.userName?.(uid) ?? String(uid));
}

function accountName({ user_sid: sid }: ExecEvent, lookups: Lookups): string | undefined {
  return sid === undefined ? undefined : (lookups.accountName?.(sid) ?? sid);
}

/** As Sysmon writes it, algorithms in capitals. */
function hashes(event: ExecEvent, { digests, imphash }: Lookups): string | undefined {
  const { sha1, md5, sha256 } = digests?.(event) ?? {};
  const parts = Object.entries({ SHA1: sha1, MD5: md5, SHA256: sha256, IMPHASH: imphash?.(event) }).flatMap(
    ([name, value]) => (value === undefined ? [] : [`${name}=${value.toUpperCase()}`]),
  );
  return parts.length === 0 ? undefined : parts.join(',');
}
