import { VERSION } from '../../../shared/version.ts';
import { assignmentsOf } from '../../values/environment.ts';
import { attackOf } from '../mapping/attack.ts';
import { containerRows } from '../mapping/container-rows.ts';
import type { Mapping, Unwritable } from '../mapping/format.ts';
import { COMMAND_KINDS, ENVIRONMENT_KINDS, IMAGE_KINDS, restRows } from '../mapping/rest.ts';
import { asText, constant, copy, made, ofOrigin, textOf, type Row } from '../mapping/row.ts';
import { KINDS, PROCESS_KINDS, type Kind, type Origin, type Subject } from '../mapping/subject.ts';
import {
  accountIn,
  ancestorsIn,
  containerText,
  effectiveName,
  eventId,
  nameIn,
  numberedId,
  otherName,
  ownImageOf,
  parentCommandLine,
  parentId,
  parentPid,
  processId,
  realName,
  sequenceOf,
  sessionLeaderOf,
  severityOf,
  sha256Of,
  startText,
  timeOf,
  topRule,
} from '../mapping/values.ts';

/** Elastic Common Schema. The fields that are used are the same from 9.0 on. */
const ECS_VERSION = '9.4.0';

const STARTS = ['exec', 'alert'] as const satisfies readonly Kind[];
const DATASET = 'platform_probes.process';

const podOf = containerText('pod_uid');

const isSnapshot = ({ process }: Subject): boolean => process.source === 'snapshot';

const EVENT: readonly Row[] = [
  made(KINDS, '@timestamp', ['time', 'timestamp'], '`time`; its whole seconds are `timestamp`', timeOf),
  constant(KINDS, 'ecs.version', ECS_VERSION),
  made(['exec'], 'event.kind', ['source'], '`event`; `state` for `snapshot`: a program that ran already', (subject) =>
    isSnapshot(subject) ? 'state' : 'event',
  ),
  constant(['alert'], 'event.kind', 'alert'),
  constant(['exec_failed', 'fork', 'exit', 'clock', 'other'], 'event.kind', 'event'),
  constant(['gap'], 'event.kind', 'pipeline_error'),
  constant(['seal'], 'event.kind', 'state'),
  constant(PROCESS_KINDS, 'event.category', ['process']),
  constant(['clock'], 'event.category', ['host']),
  made(STARTS, 'event.type', ['source'], '`start`; `info` for `snapshot`', (subject) =>
    isSnapshot(subject) ? ['info'] : ['start'],
  ),
  constant(['exec_failed', 'seal'], 'event.type', ['info']),
  constant(['fork'], 'event.type', ['start']),
  constant(['exit'], 'event.type', ['end']),
  constant(['gap'], 'event.type', ['error']),
  constant(['clock'], 'event.type', ['change']),
  made(KINDS, 'event.action', ['type'], '', ({ fields }) => fields['type'] as string),
  constant(['exec', 'alert', 'fork', 'exit'], 'event.outcome', 'success'),
  constant(['exec_failed'], 'event.outcome', 'failure'),
  constant(KINDS, 'event.dataset', DATASET),
  copy(PROCESS_KINDS, 'event.provider', 'source'),
  made(KINDS, 'event.id', ['boot_id', 'seq'], '`BOOT:SEQ`; of what has no number, a text that names it', eventId),
  made([...PROCESS_KINDS, 'other'], 'event.sequence', ['seq'], '', sequenceOf),
  made(['gap'], 'event.reason', ['cause'], '', ({ fields }) => fields['cause'] as string),
  made(['seal'], 'event.reason', ['reason'], '', ({ fields }) => fields['reason'] as string),
  {
    to: 'event.duration',
    kinds: ['exit'],
    from: ['run_time'],
    how: 'in nanoseconds',
    json: ({ process: { run_time: micros } }) =>
      micros === undefined ? undefined : micros === 0 ? '0' : `${micros}000`,
  },
  made(['alert'], 'event.severity', ['rules[].level'], '1 informational to 5 critical, of the highest', (subject) =>
    severityOf(topRule(subject)?.level),
  ),
  copy(['exec_failed'], 'error.code', 'error'),
];

const HOST: readonly Row[] = [
  constant(KINDS, 'agent.type', 'platform-probes'),
  { to: 'agent.version', kinds: KINDS, from: [], how: 'its version', origin: () => VERSION },
  ofOrigin(KINDS, 'host.id', 'host_id', ({ hostId }) => hostId),
  ofOrigin(KINDS, 'host.name', 'host', ({ host }) => host),
  ofOrigin(KINDS, 'host.boot.id', 'boot_id', ({ bootId }) => bootId),
  {
    ...ofOrigin(KINDS, 'host.os.type', '', ({ platform }) => platform),
    from: [],
    how: "`linux`, `macos` or `windows`: the agent's",
  },
];

const PROCESS: readonly Row[] = [
  copy(PROCESS_KINDS, 'process.pid', 'pid'),
  made(
    PROCESS_KINDS,
    'process.entity_id',
    ['entity_id', 'boot_id', 'pid', 'start_time'],
    '`BOOT/PID/START`',
    processId,
  ),
  made(IMAGE_KINDS, 'process.executable', ['exe', 'filename'], '`exe`, else `filename`', ownImageOf),
  made(
    IMAGE_KINDS,
    'process.name',
    ['exe', 'filename', 'comm'],
    'the last part of the same, else `comm`',
    (subject) => nameIn(ownImageOf(subject), subject) ?? subject.process.comm,
  ),
  made(
    COMMAND_KINDS,
    'process.command_line',
    ['command_line', 'command'],
    '`command_line`, else `command`',
    ({ process }) => process.command_line ?? process.command,
  ),
  copy(COMMAND_KINDS, 'process.args', 'argv'),
  made(COMMAND_KINDS, 'process.args_count', ['argv'], 'how many', ({ process }) => process.argv?.length),
  made(
    ENVIRONMENT_KINDS,
    'process.env_vars',
    ['env', 'env_repeated'],
    'a list of `NAME=value`; of a name that stands more than once, all values',
    ({ process }) => assignmentsOf(process),
  ),
  copy(COMMAND_KINDS, 'process.working_directory', 'cwd'),
  made(
    PROCESS_KINDS,
    'process.start',
    ['time', 'run_time', 'start_time'],
    'of a fork and an exit, and of events of macOS and Windows',
    startText,
  ),
  made(['exit'], 'process.end', ['time'], '', timeOf),
  copy(['exit'], 'process.exit_code', 'exit_code'),
  copy(IMAGE_KINDS, 'process.thread.name', 'comm'),
  made(
    COMMAND_KINDS,
    'process.session_leader.pid',
    ['session_id'],
    'except on Windows, where it is no process',
    sessionLeaderOf,
  ),
  // Linux, include/linux/kdev_t.h, new_encode_dev.
  made(
    COMMAND_KINDS,
    'process.tty.char_device.major',
    ['tty'],
    'the major number, on Linux',
    ({ origin, process: { tty } }) =>
      tty === undefined || origin.platform !== 'linux' ? undefined : (tty >>> 8) & 0xfff,
  ),
  made(
    COMMAND_KINDS,
    'process.tty.char_device.minor',
    ['tty'],
    'the minor number, on Linux',
    ({ origin, process: { tty } }) =>
      tty === undefined || origin.platform !== 'linux' ? undefined : (tty & 0xff) | ((tty >>> 12) & 0xfff00),
  ),
  asText(COMMAND_KINDS, 'process.real_user.id', 'uid'),
  made(COMMAND_KINDS, 'process.real_user.name', ['user.name'], '', ({ process }) => realName(process.user)),
  made(
    COMMAND_KINDS,
    'process.user.id',
    ['user_sid', 'euid'],
    '`user_sid`, else `euid` as text',
    ({ process }) => process.user_sid ?? textOf(process.euid),
  ),
  made(
    COMMAND_KINDS,
    'process.user.name',
    ['user.effective.name', 'user.name'],
    'of the effective user',
    ({ process }) => effectiveName(process.user, isSame(process.uid, process.euid)),
  ),
  asText(COMMAND_KINDS, 'process.real_group.id', 'gid'),
  made(COMMAND_KINDS, 'process.real_group.name', ['group.name'], '', ({ process }) => realName(process.group)),
  asText(COMMAND_KINDS, 'process.group.id', 'egid'),
  made(
    COMMAND_KINDS,
    'process.group.name',
    ['group.effective.name', 'group.name'],
    'of the effective group',
    ({ process }) => effectiveName(process.group, isSame(process.gid, process.egid)),
  ),
  made(COMMAND_KINDS, 'process.hash.sha256', ['hashes.sha256'], '', sha256Of),
  made(IMAGE_KINDS, 'process.parent.pid', ['parent.pid', 'ppid'], '`parent.pid`, else `ppid`', ({ process }) =>
    parentPid(process),
  ),
  made(
    IMAGE_KINDS,
    'process.parent.entity_id',
    ['boot_id', 'parent.pid', 'parent.start_time'],
    '`BOOT/PID/START`',
    parentId,
  ),
  made(COMMAND_KINDS, 'process.parent.executable', ['parent.exe'], '', ({ process }) => process.parent?.exe),
  made(COMMAND_KINDS, 'process.parent.command_line', ['parent.command_line'], '', parentCommandLine),
  made(COMMAND_KINDS, 'process.parent.name', ['parent.exe'], 'its last part', (subject) =>
    nameIn(subject.process.parent?.exe, subject),
  ),
  made(
    COMMAND_KINDS,
    'user.id',
    ['user_sid', 'uid'],
    '`user_sid`, else `uid` as text',
    ({ process }) => process.user_sid ?? textOf(process.uid),
  ),
  made(
    COMMAND_KINDS,
    'user.name',
    ['user.name'],
    'on Windows what is behind the backslash',
    (subject) => accountIn(realName(subject.process.user), subject).name,
  ),
  made(
    COMMAND_KINDS,
    'user.domain',
    ['user.name'],
    'on Windows what is in front of it',
    (subject) => accountIn(realName(subject.process.user), subject).domain,
  ),
  asText(COMMAND_KINDS, 'user.effective.id', 'euid'),
  made(COMMAND_KINDS, 'user.effective.name', ['user.effective.name'], 'where it is another user', ({ process }) =>
    otherName(process.user),
  ),
  asText(COMMAND_KINDS, 'user.group.id', 'gid'),
  made(COMMAND_KINDS, 'user.group.name', ['group.name'], '', ({ process }) => realName(process.group)),
  ...containerRows('container.runtime'),
  made(COMMAND_KINDS, 'orchestrator.type', ['container.pod_uid'], '`kubernetes`, where there is a pod', (subject) =>
    podOf(subject) === undefined ? undefined : 'kubernetes',
  ),
  made(COMMAND_KINDS, 'orchestrator.resource.type', ['container.pod_uid'], '`pod`', (subject) =>
    podOf(subject) === undefined ? undefined : 'pod',
  ),
  made(COMMAND_KINDS, 'orchestrator.resource.id', ['container.pod_uid'], '', podOf),
];

/** Whether the effective id is the real one, or not known. */
const isSame = (real: number | undefined, effective: number | undefined): boolean =>
  effective === undefined || effective === real;

const rules = ({ process }: Subject) => process.rules ?? [];
/** A list, unless it is empty. */
const some = <T>(list: readonly T[]): readonly T[] | undefined => (list.length === 0 ? undefined : list);

const ALERT: readonly Row[] = [
  made(['alert'], 'rule.id', ['rules[].id'], 'of the rule with the highest level', (subject) => topRule(subject)?.id),
  made(['alert'], 'rule.name', ['rules[].title'], 'of the same', (subject) => topRule(subject)?.title),
  made(['alert'], 'rule.author', ['rules[].author'], 'of the same, as a list', (subject) => {
    const author = topRule(subject)?.author;
    return author === undefined ? undefined : [author];
  }),
  made(
    ['alert'],
    'threat.framework',
    ['rules[].tags'],
    '`MITRE ATT&CK`, where a tag names something of it',
    (subject) => {
      const { tactics, techniques } = attackOf(rules(subject));
      return tactics.length + techniques.length === 0 ? undefined : 'MITRE ATT&CK';
    },
  ),
  made(['alert'], 'threat.tactic.id', ['rules[].tags'], 'of `attack.execution` and its like', (subject) =>
    some(attackOf(rules(subject)).tactics.map(({ id }) => id)),
  ),
  made(['alert'], 'threat.tactic.name', ['rules[].tags'], 'the same by name', (subject) =>
    some(attackOf(rules(subject)).tactics.map(({ name }) => name)),
  ),
  made(['alert'], 'threat.technique.id', ['rules[].tags'], 'of `attack.t1059` and its like', (subject) =>
    some(attackOf(rules(subject)).techniques),
  ),
  made(
    ['alert'],
    'threat.technique.subtechnique.id',
    ['rules[].tags'],
    'of `attack.t1059.004` and its like',
    (subject) => some(attackOf(rules(subject)).subTechniques),
  ),
];

export const TOP = 'probes';

/** Elastic Common Schema 9. Fields that it lacks are below `probes`. */
export const ECS: Mapping = {
  rows: [
    ...EVENT,
    ...HOST,
    ...PROCESS,
    ...ALERT,
    ...restRows(TOP),
    copy(COMMAND_KINDS, `${TOP}.loginuid`, 'loginuid'),
    made(COMMAND_KINDS, `${TOP}.ancestors`, ['ancestors'], '', ancestorsIn),
  ],
  unwritable,
};

function unwritable({ line, seq }: Unwritable, { hostId, host, bootId, stream, seal, schemaVersion }: Origin): object {
  return {
    '@timestamp': '1970-01-01T00:00:00.000Z',
    'ecs': { version: ECS_VERSION },
    'event': { kind: 'event', dataset: DATASET, id: numberedId(bootId, seq), sequence: seq, original: line },
    'host': { id: hostId, name: host, boot: { id: bootId } },
    [TOP]: { stream, schema_version: schemaVersion, seal: { number: seal } },
  };
}
