import { variablesOf } from '../../values/environment.ts';
import { asText, copy, made, textOf, type Row } from '../mapping/row.ts';
import type { Kind, Subject } from '../mapping/subject.ts';
import {
  accountIn,
  ancestorsIn,
  containerIdOf,
  containerText,
  imageOf,
  millisOf,
  nameIn,
  parentCommandLine,
  parentId,
  parentPid,
  processId,
  realName,
  sha256Of,
  startMillis,
} from '../mapping/values.ts';

/** The levels that OCSF has a number for, by the names that helpers give them. */
const INTEGRITY: ReadonlyMap<string, readonly [id: number, caption: string]> = new Map([
  ['untrusted', [1, 'Untrusted']],
  ['low', [2, 'Low']],
  ['medium', [3, 'Medium']],
  ['high', [4, 'High']],
  ['system', [5, 'System']],
  ['protected', [6, 'Protected']],
]);

const EXECUTABLE_FILE = 8;

/** The id of SHA-256 among the algorithms of a fingerprint. */
const SHA256_ID = 3;

/** The image that the process runs; of a failed exec, the one that it wanted to run. */
export const targetOf = ({ kind, process }: Subject): string | undefined =>
  kind === 'exec_failed' ? process.filename : imageOf(process);

/** A process of OCSF, and the actor: of an exec the parent, of a failed exec and an exit the process itself. */
export function processRows(kinds: readonly Kind[], prefix: string): readonly Row[] {
  const images = kinds.filter((kind) => kind !== 'exit');
  const commands = images.filter((kind) => kind !== 'fork');
  const at = `${prefix}process`;
  const rows = [
    copy(kinds, `${at}.pid`, 'pid'),
    made(kinds, `${at}.uid`, ['entity_id', 'boot_id', 'pid', 'start_time'], '`BOOT/PID/START`', processId),
    made(
      images,
      `${at}.name`,
      ['exe', 'filename', 'comm'],
      'the last part of `path`, else `comm`',
      (subject) => nameIn(targetOf(subject), subject) ?? subject.process.comm,
    ),
    made(images, `${at}.path`, ['exe', 'filename'], '`exe`, else `filename`; of `exec_failed` `filename`', targetOf),
    made(
      images,
      `${at}.file`,
      ['exe', 'filename', 'hashes.sha256'],
      '`name`, `path` and `type_id` (8, executable) of the same; `hashes` with algorithm 3 (SHA-256)',
      (subject) => {
        const path = targetOf(subject);
        const name = nameIn(path, subject);
        if (name === undefined) return undefined;
        const value = sha256Of(subject);
        const hashes = [{ algorithm: 'SHA-256', algorithm_id: SHA256_ID, value }];
        return { name, path, type_id: EXECUTABLE_FILE, ...(value === undefined ? {} : { hashes }) };
      },
    ),
    made(
      commands,
      `${at}.cmd_line`,
      ['command_line', 'command'],
      '`command_line`, else `command`',
      ({ process }) => process.command_line ?? process.command,
    ),
    made(
      commands.filter((kind) => kind !== 'exec_failed'),
      `${at}.environment_variables`,
      ['env', 'env_repeated'],
      '`name` and `value` of each; of a name that stands more than once, all values',
      ({ process }) => variablesOf(process)?.map(([name, value]) => ({ name, value })),
    ),
    copy(commands, `${at}.working_directory`, 'cwd'),
    made(
      kinds,
      `${at}.created_time`,
      ['time', 'run_time', 'start_time'],
      'of a fork and an exit, and of events of macOS and Windows, in milliseconds',
      startMillis,
    ),
    made(
      kinds.filter((kind) => kind === 'exit'),
      `${at}.terminated_time`,
      ['time'],
      'in milliseconds',
      millisOf,
    ),
    made(
      commands,
      `${at}.user.uid`,
      ['user_sid', 'uid'],
      '`user_sid`, else `uid` as text',
      ({ process }) => process.user_sid ?? textOf(process.uid),
    ),
    made(
      commands,
      `${at}.user.name`,
      ['user.name'],
      'on Windows what is behind the backslash',
      (subject) => accountIn(realName(subject.process.user), subject).name,
    ),
    made(
      commands,
      `${at}.user.domain`,
      ['user.name'],
      'on Windows what is in front of it',
      (subject) => accountIn(realName(subject.process.user), subject).domain,
    ),
    copy(commands, `${at}.euid`, 'euid'),
    copy(commands, `${at}.auid`, 'loginuid'),
    asText(commands, `${at}.group.uid`, 'gid'),
    made(commands, `${at}.group.name`, ['group.name'], '', ({ process }) => realName(process.group)),
    copy(commands, `${at}.egid`, 'egid'),
    made(
      commands,
      `${at}.integrity`,
      ['integrity_level'],
      "OCSF's word for it, else as it is",
      ({ process: { integrity_level: level } }) =>
        level === undefined ? undefined : (INTEGRITY.get(level)?.[1] ?? level),
    ),
    made(
      commands,
      `${at}.integrity_id`,
      ['integrity_level'],
      '99 for others',
      ({ process: { integrity_level: level } }) =>
        level === undefined ? undefined : (INTEGRITY.get(level)?.[0] ?? 99),
    ),
    made(
      commands,
      `${at}.session.uid`,
      ['logon_id', 'session_id'],
      '`logon_id`, else `session_id` as text',
      ({ process }) => process.logon_id ?? textOf(process.session_id),
    ),
    made(
      commands,
      `${at}.container.uid`,
      ['container_id', 'container.id'],
      '`container_id`, else that of `container`',
      containerIdOf,
    ),
    made(commands, `${at}.container.runtime`, ['container.runtime'], '', containerText('runtime')),
    made(commands, `${at}.container.pod_uuid`, ['container.pod_uid'], '', containerText('pod_uid')),
    made(commands, `${at}.container.name`, ['container.name'], '', containerText('name')),
    // An image needs a uid there; the reference is the one that is known.
    ...['name', 'uid'].map((part) =>
      made(commands, `${at}.container.image.${part}`, ['container.image'], '', containerText('image')),
    ),
    ...parentRows(images, `${at}.parent_process`),
    made(commands, `${at}.parent_process.cmd_line`, ['parent.command_line'], '', parentCommandLine),
    made(commands, `${at}.ancestry`, ['ancestors'], '`pid`, `uid`, `path`, `cmd_line` of each', (subject) =>
      ancestorsIn(subject)?.map(({ pid, entity_id: uid, exe, command_line: line }) => ({
        pid,
        uid,
        path: exe,
        cmd_line: line,
      })),
    ),
    ...actorRows(kinds, `${prefix}actor.process`),
  ];
  return rows.filter((row) => row.kinds.length > 0);
}

function parentRows(kinds: readonly Kind[], at: string): readonly Row[] {
  return [
    made(kinds, `${at}.pid`, ['parent.pid', 'ppid'], '`parent.pid`, else `ppid`', ({ process }) => parentPid(process)),
    made(kinds, `${at}.uid`, ['boot_id', 'parent.pid', 'parent.start_time'], '`BOOT/PID/START`', parentId),
    made(kinds, `${at}.name`, ['parent.exe'], 'its last part', (subject) =>
      nameIn(subject.process.parent?.exe, subject),
    ),
    made(kinds, `${at}.path`, ['parent.exe'], '', ({ process }) => process.parent?.exe),
  ];
}

/** Every event of a process needs an actor. Where the parent is not known, that is the process itself. */
function actorRows(kinds: readonly Kind[], at: string): readonly Row[] {
  const isOwn = ({ kind, process }: Subject): boolean =>
    kind === 'exec_failed' || kind === 'exit' || parentPid(process) === undefined;
  return [
    made(
      kinds,
      `${at}.pid`,
      ['parent.pid', 'ppid', 'pid'],
      'of the parent; of `exec_failed`, `exit` and without a parent, its own',
      (subject) => (isOwn(subject) ? subject.process.pid : parentPid(subject.process)),
    ),
    made(
      kinds,
      `${at}.uid`,
      ['entity_id', 'boot_id', 'pid', 'start_time', 'parent.start_time'],
      'of the same',
      (subject) => (isOwn(subject) ? processId(subject) : parentId(subject)),
    ),
    made(
      kinds.filter((kind) => kind !== 'exit' && kind !== 'fork'),
      `${at}.path`,
      ['parent.exe', 'exe'],
      '`parent.exe`; of `exec_failed` `exe`',
      ({ kind, process }) => (kind === 'exec_failed' ? process.exe : process.parent?.exe),
    ),
  ];
}
