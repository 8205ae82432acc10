import { CLOCK_FIELDS } from '../../../shared/events/clock.ts';
import { GAP_FIELDS } from '../../../shared/events/gap.ts';
import { SEAL_FIELDS } from '../../events/seal.ts';
import { copy, made, ofOrigin, type Row } from './row.ts';
import { KINDS, PROCESS_KINDS, type Kind } from './subject.ts';
import { containerIn, otherFields, rawList, repeatedList } from './values.ts';

/** Kinds with a command line. */
export const COMMAND_KINDS = ['exec', 'alert', 'exec_failed'] as const satisfies readonly Kind[];

/** Kinds with an environment. */
export const ENVIRONMENT_KINDS = ['exec', 'alert'] as const satisfies readonly Kind[];

/** Kinds with an image and a parent. */
export const IMAGE_KINDS = [...COMMAND_KINDS, 'fork'] as const satisfies readonly Kind[];

/** Fields of commands for which neither schema has a field that means the same. */
const COMMAND_FIELDS = [
  'filename',
  'argv_bytes',
  'argv_truncated',
  'command_source',
  'logon_id',
  'integrity_level',
  'elevated',
  'session_id',
  'tty',
  'cgroup',
  'ns',
] as const;

/**
 * Fields that a schema lacks, below one top-level object that is ours: `probes` in ECS, `unmapped` in OCSF, where it looks
 * the same. Each type has an object of its own, because a field that is a number here and a date there could not be indexed.
 */
export function restRows(top: string): readonly Row[] {
  return [
    ofOrigin(KINDS, `${top}.stream`, 'stream', ({ stream }) => stream),
    ofOrigin(KINDS, `${top}.schema_version`, 'schema_version', ({ schemaVersion }) => schemaVersion),
    ofOrigin(KINDS, `${top}.seal.number`, 'seal', ({ seal }) => seal),
    ...fieldsUnder(top, 'gap', GAP_FIELDS),
    ...fieldsUnder(top, 'clock', CLOCK_FIELDS),
    ...fieldsUnder(top, 'seal', SEAL_FIELDS),
    made(COMMAND_KINDS, `${top}.command`, ['command'], 'where there is a `command_line`', ({ process }) =>
      process.command_line === undefined ? undefined : process.command,
    ),
    made(IMAGE_KINDS, `${top}.ppid`, ['ppid'], 'where `parent` has another pid', ({ process: { ppid, parent } }) =>
      parent === undefined || parent.pid === ppid ? undefined : ppid,
    ),
    ...COMMAND_FIELDS.map((name) => copy(COMMAND_KINDS, `${top}.${name}`, name)),
    copy(IMAGE_KINDS, `${top}.flags`, 'flags'),
    made(ENVIRONMENT_KINDS, `${top}.env_repeated`, ['env_repeated'], 'a list of `name` and `values`', repeatedList),
    copy(ENVIRONMENT_KINDS, `${top}.env_truncated`, 'env_truncated'),
    made(IMAGE_KINDS, `${top}.raw`, ['raw'], 'a list of `field` and `base64`', ({ process }) => rawList(process.raw)),
    copy(PROCESS_KINDS, `${top}.start_time`, 'start_time'),
    made(
      IMAGE_KINDS,
      `${top}.parent.start_time`,
      ['parent.start_time'],
      '',
      ({ process }) => process.parent?.start_time,
    ),
    copy(['exec_failed'], `${top}.fd_path`, 'fd_path'),
    copy(['exit'], `${top}.signal`, 'signal'),
    made(COMMAND_KINDS, `${top}.container`, ['container'], '', containerIn),
    copy(['alert'], `${top}.image_truncated`, 'image_truncated'),
    copy(['alert'], `${top}.rules`, 'rules'),
    copy(IMAGE_KINDS, `${top}.redacted`, 'redacted'),
    made(KINDS, `${top}.other`, ['*'], 'every field that this version does not know, by its name', otherFields),
  ];
}

/** The fields of a type of our own, below an object of its name: `probes.gap.first`. */
export function fieldsUnder(top: string, kind: Kind, fields: object): Row[] {
  return Object.keys(fields)
    .filter((name) => name !== 'type' && name !== 'time')
    .map((name) => ({
      to: `${top}.${kind}.${name}`,
      kinds: [kind],
      from: [name],
      value: (subject) => subject.fields[name] as Row['constant'],
    }));
}
