import { CLOCK_FIELDS } from '../../../shared/events/clock.ts';
import { GAP_FIELDS } from '../../../shared/events/gap.ts';
import { SEAL_FIELDS } from '../../events/seal.ts';
import { containerRows } from '../../formats/mapping/container-rows.ts';
import { COMMAND_KINDS, ENVIRONMENT_KINDS, fieldsUnder, IMAGE_KINDS } from '../../formats/mapping/rest.ts';
import { copy, made, ofOrigin, type Row } from '../../formats/mapping/row.ts';
import { KINDS, PROCESS_KINDS, type Kind, type Subject } from '../../formats/mapping/subject.ts';
import {
  containerText,
  effectiveName,
  nameIn,
  ownImageOf,
  parentCommandLine,
  parentPid,
  realName,
  sequenceOf,
  sessionLeaderOf,
  sha256Of,
  startText,
  timeOf,
  topRule,
} from '../../formats/mapping/values.ts';

/** Ends the name of a row that makes an attribute of each entry of an object, as the conventions write it. */
export const EACH_KEY = '.<key>';

/** The namespace of attributes that OpenTelemetry has no name for; as in ECS. */
const TOP = 'probes';

const onLinux =
  <T>(value: (subject: Subject) => T) =>
  (subject: Subject): T | undefined =>
    subject.origin.platform === 'linux' ? value(subject) : undefined;

/** Facts of a process that OpenTelemetry has no name for. */
const FACTS: readonly Row[] = [
  made(COMMAND_KINDS, `${TOP}.hash.sha256`, ['hashes.sha256'], '', sha256Of),
  made(COMMAND_KINDS, `${TOP}.parent.command_line`, ['parent.command_line'], '', parentCommandLine),
  made(COMMAND_KINDS, `${TOP}.user.group.name`, ['group.name'], '', ({ process }) => realName(process.group)),
];

/**
 * The attributes of a record, by the names of OpenTelemetry's semantic conventions (registries of process, user, container,
 * error and security rule) as far as these have one. Below `probes` the names are those of `format: ecs`.
 *
 * `process.command_line` is only what the system itself gave as one text: the conventions forbid to assemble it, and `body` has
 * our `command`.
 */
export const ATTRIBUTES: readonly Row[] = [
  made(KINDS, `${TOP}.type`, ['type'], '', ({ fields }) => fields['type'] as string),
  ofOrigin(KINDS, `${TOP}.boot_id`, 'boot_id', ({ bootId }) => bootId),
  made([...PROCESS_KINDS, 'other'], `${TOP}.seq`, ['seq'], '', sequenceOf),
  ofOrigin(KINDS, `${TOP}.stream`, 'stream', ({ stream }) => stream),
  ofOrigin(KINDS, `${TOP}.schema_version`, 'schema_version', ({ schemaVersion }) => schemaVersion),
  ofOrigin(KINDS, `${TOP}.seal.number`, 'seal', ({ seal }) => seal),
  copy(PROCESS_KINDS, 'process.pid', 'pid'),
  made(IMAGE_KINDS, 'process.parent_pid', ['parent.pid', 'ppid'], '`parent.pid`, else `ppid`', ({ process }) =>
    parentPid(process),
  ),
  made(IMAGE_KINDS, 'process.executable.path', ['exe', 'filename'], '`exe`, else `filename`', ownImageOf),
  made(IMAGE_KINDS, 'process.executable.name', ['exe', 'filename'], 'the last part of the same', (subject) =>
    nameIn(ownImageOf(subject), subject),
  ),
  made(COMMAND_KINDS, 'process.command', ['argv'], 'the first of them', ({ process }) => process.argv?.[0]),
  copy(COMMAND_KINDS, 'process.command_args', 'argv'),
  made(COMMAND_KINDS, 'process.args_count', ['argv'], 'how many', ({ process }) => process.argv?.length),
  copy(COMMAND_KINDS, 'process.command_line', 'command_line'),
  made(
    ENVIRONMENT_KINDS,
    'process.environment_variable.<key>',
    ['env'],
    'one for each variable; of a name that stands more than once the first value',
    ({ process }) => process.env,
  ),
  made(
    ENVIRONMENT_KINDS,
    `${TOP}.env_repeated`,
    ['env_repeated'],
    'the other values, as a list of `NAME=value`',
    ({ process: { env_repeated: repeated } }) =>
      repeated && Object.entries(repeated).flatMap(([name, values]) => values.map((value) => `${name}=${value}`)),
  ),
  copy(ENVIRONMENT_KINDS, `${TOP}.env_truncated`, 'env_truncated'),
  copy(COMMAND_KINDS, 'process.working_directory', 'cwd'),
  copy(COMMAND_KINDS, 'process.user.id', 'euid'),
  made(
    COMMAND_KINDS,
    'process.user.name',
    ['user.effective.name', 'user.name'],
    'of the effective user',
    ({ process: { user, uid, euid } }) => effectiveName(user, euid === undefined || euid === uid),
  ),
  copy(COMMAND_KINDS, 'process.real_user.id', 'uid'),
  made(COMMAND_KINDS, 'process.real_user.name', ['user.name'], '', ({ process }) => realName(process.user)),
  copy(COMMAND_KINDS, 'user.id', 'user_sid'),
  made(
    COMMAND_KINDS,
    'process.session_leader.pid',
    ['session_id'],
    'except on Windows, where it is no process',
    sessionLeaderOf,
  ),
  made(
    COMMAND_KINDS,
    'process.linux.cgroup',
    ['cgroup'],
    'on Linux',
    onLinux(({ process }) => process.cgroup),
  ),
  made(
    PROCESS_KINDS,
    'process.creation.time',
    ['time', 'run_time', 'start_time'],
    'of a fork and an exit, and of events of macOS and Windows',
    startText,
  ),
  copy(['exit'], 'process.exit.code', 'exit_code'),
  made(['exit'], 'process.exit.time', ['time'], '', timeOf),
  ...containerRows('container.runtime.name'),
  made(COMMAND_KINDS, 'k8s.pod.uid', ['container.pod_uid'], '', containerText('pod_uid')),
  copy(['exec_failed'], 'error.type', 'error'),
  ...FACTS,
  made(
    ['alert'],
    'security_rule.uuid',
    ['rules[].id'],
    'of the rule with the highest level',
    (subject) => topRule(subject)?.id,
  ),
  made(['alert'], 'security_rule.name', ['rules[].title'], 'of the same', (subject) => topRule(subject)?.title),
  ...fieldsUnder(TOP, 'gap', GAP_FIELDS),
  ...fieldsUnder(TOP, 'clock', CLOCK_FIELDS),
  ...fieldsUnder(TOP, 'seal', SEAL_FIELDS),
];

type RowsOf = Readonly<Record<Kind, readonly Row[]>>;

function ofEachKind(rows: readonly Row[]): RowsOf {
  return Object.fromEntries(
    KINDS.map((kind) => [kind, rows.filter(({ kinds }) => kinds.includes(kind))]),
  ) as unknown as RowsOf;
}

/** The rows of each kind, for an event with all of its fields. */
export const OF_EVENT = ofEachKind(ATTRIBUTES);

/** For what is read of a line in a schema of others: fields of processes have another place there, and what is made of some would be wrong. */
export const OF_OTHER_SCHEMA = ofEachKind(
  ATTRIBUTES.filter((row) => /^(?:probes\.(?!env_)|security_rule\.)/u.test(row.to) && !FACTS.includes(row)),
);
