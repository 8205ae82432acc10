import { VERSION } from '../../../shared/version.ts';
import { attackOf } from '../mapping/attack.ts';
import type { Mapping, Unwritable } from '../mapping/format.ts';
import { COMMAND_KINDS, IMAGE_KINDS, restRows } from '../mapping/rest.ts';
import { constant, copy, made, ofOrigin, type Row } from '../mapping/row.ts';
import { KINDS, PROCESS_KINDS, type Kind, type Origin, type Subject } from '../mapping/subject.ts';
import {
  eventId,
  millisOf,
  nameIn,
  numberedId,
  otherName,
  sequenceOf,
  severityOf,
  sha256Of,
  timeOf,
  topRule,
} from '../mapping/values.ts';
import { processRows, targetOf } from './process.ts';

/** Open Cybersecurity Schema Framework. */
const OCSF_VERSION = '1.9.0';

export const TOP = 'unmapped';

const PRODUCT = { name: 'Platform Probes', vendor_name: 'Platform Probes', version: VERSION };

const FINDING = ['alert'] as const satisfies readonly Kind[];
const ACTIVITY = ['exec', 'exec_failed', 'fork', 'exit'] as const satisfies readonly Kind[];
/** No class of OCSF is about what is missing, about clocks or about proofs. */
const BASE = ['gap', 'clock', 'seal', 'other'] as const satisfies readonly Kind[];

const isSnapshot = ({ process }: Subject): boolean => process.source === 'snapshot';

const EVENT: readonly Row[] = [
  constant(ACTIVITY, 'class_uid', 1007),
  constant(FINDING, 'class_uid', 2004),
  constant(BASE, 'class_uid', 0),
  constant(ACTIVITY, 'category_uid', 1),
  constant(FINDING, 'category_uid', 2),
  constant(BASE, 'category_uid', 0),
  made(['exec'], 'activity_id', ['source'], '1 (Launch); 99 for `snapshot`: a program that ran already', (subject) =>
    isSnapshot(subject) ? 99 : 1,
  ),
  constant(['alert'], 'activity_id', 1, 'Create'),
  constant(['exec_failed', 'fork'], 'activity_id', 1, 'Launch'),
  constant(['exit'], 'activity_id', 2, 'Terminate'),
  constant(BASE, 'activity_id', 99, 'other'),
  made(['exec'], 'activity_name', ['source'], '`Snapshot`, where it is one', (subject) =>
    isSnapshot(subject) ? 'Snapshot' : undefined,
  ),
  constant(['gap'], 'activity_name', 'Gap'),
  constant(['clock'], 'activity_name', 'Clock'),
  constant(['seal'], 'activity_name', 'Seal'),
  constant(['other'], 'activity_name', 'Other'),
  made(['exec'], 'type_uid', ['source'], '100701; 100799 for `snapshot`', (subject) =>
    isSnapshot(subject) ? 100_799 : 100_701,
  ),
  constant(FINDING, 'type_uid', 200_401),
  constant(['exec_failed', 'fork'], 'type_uid', 100_701),
  constant(['exit'], 'type_uid', 100_702),
  constant(BASE, 'type_uid', 99),
  constant([...ACTIVITY, 'clock', 'seal', 'other'], 'severity_id', 1, 'informational'),
  constant(['gap'], 'severity_id', 3, 'medium'),
  made(
    FINDING,
    'severity_id',
    ['rules[].level'],
    '1 informational to 5 critical, of the highest; 0 without',
    (subject) => severityOf(topRule(subject)?.level),
  ),
  made(KINDS, 'time', ['time', 'timestamp'], 'in milliseconds since 1970', millisOf),
  constant(['exec', 'fork', 'exit'], 'status_id', 1, 'Success'),
  constant(['alert'], 'status_id', 1, 'New'),
  constant(['exec_failed'], 'status_id', 2, 'Failure'),
  copy(['exec_failed'], 'status_code', 'error'),
  made(
    ['exec'],
    'launch_type_id',
    ['source'],
    '3 (Exec); 1 (Spawn) with `etw`; not of a `snapshot`',
    ({ process: { source } }) => (source === 'snapshot' ? undefined : source === 'etw' ? 1 : 3),
  ),
  constant(['exec_failed'], 'launch_type_id', 3),
  constant(['fork'], 'launch_type_id', 2, 'Fork'),
  made(
    ['gap'],
    'message',
    ['count', 'uncounted', 'hop', 'cause'],
    'a sentence',
    ({ fields }) =>
      `${fields['uncounted'] === true ? 'an unknown number of' : String(fields['count'])} events are missing: ${String(fields['cause'])} (${String(fields['hop'])})`,
  ),
];

const METADATA: readonly Row[] = [
  constant(KINDS, 'metadata.version', OCSF_VERSION),
  constant(KINDS, 'metadata.product.name', PRODUCT.name),
  constant(KINDS, 'metadata.product.vendor_name', PRODUCT.vendor_name),
  { to: 'metadata.product.version', kinds: KINDS, from: [], how: 'its version', origin: () => PRODUCT.version },
  constant([...PROCESS_KINDS], 'metadata.profiles', ['container', 'host', 'linux/linux_users']),
  constant(BASE, 'metadata.profiles', ['host']),
  made(KINDS, 'metadata.event_code', ['type'], '', ({ fields }) => fields['type'] as string),
  copy(PROCESS_KINDS, 'metadata.log_provider', 'source'),
  made(KINDS, 'metadata.uid', ['boot_id', 'seq'], '`BOOT:SEQ`; of what has no number, a text that names it', eventId),
  made([...PROCESS_KINDS, 'other'], 'metadata.sequence', ['seq'], '', sequenceOf),
];

const OS = {
  windows: { name: 'Windows', type_id: 100 },
  linux: { name: 'Linux', type_id: 200 },
  macos: { name: 'macOS', type_id: 300 },
} as const;

const DEVICE: readonly Row[] = [
  constant(KINDS, 'device.type_id', 0, 'unknown: server, laptop and their like are not told apart'),
  ofOrigin(KINDS, 'device.uid', 'host_id', ({ hostId }) => hostId),
  {
    ...ofOrigin(KINDS, 'device.hostname', 'host', ({ host }) => host ?? 'unknown'),
    how: '`unknown` where it is not known',
  },
  ofOrigin(KINDS, 'device.boot_uid', 'boot_id', ({ bootId }) => bootId),
  {
    ...ofOrigin(KINDS, 'device.os', '', ({ platform }) => platform && OS[platform]),
    from: [],
    how: "name and type_id of the agent's platform",
  },
];

const FINDING_INFO: readonly Row[] = [
  constant(FINDING, 'is_alert', true),
  made(
    FINDING,
    'finding_info.uid',
    ['boot_id', 'seq'],
    'as `metadata.uid`; `SEQ` where no boot is known',
    (subject) => eventId(subject) ?? String(subject.process.seq),
  ),
  made(
    FINDING,
    'finding_info.title',
    ['rules[].title'],
    'of the rule with the highest level',
    (subject) => topRule(subject)?.title,
  ),
  made(FINDING, 'finding_info.created_time', ['time'], 'in milliseconds since 1970', millisOf),
  made(
    FINDING,
    'finding_info.analytic',
    ['rules[].id', 'rules[].title'],
    '`uid`, `name`, `type_id` of the same',
    (subject) => analytic(topRule(subject)),
  ),
  made(FINDING, 'finding_info.related_analytics', ['rules[].id', 'rules[].title'], 'the other rules', (subject) => {
    const top = topRule(subject);
    const others = subject.process.rules?.filter((rule) => rule !== top) ?? [];
    return others.length === 0 ? undefined : others.map(analytic);
  }),
  made(FINDING, 'finding_info.attacks', ['rules[].tags'], 'tactics and techniques of MITRE ATT&CK', ({ process }) => {
    const attacks = attacksOf(process.rules ?? []);
    return attacks.length === 0 ? undefined : attacks;
  }),
];

/** @returns an analytic object: type 1 is a rule */
function analytic(rule: { readonly id: string; readonly title: string } | undefined): object | undefined {
  return rule && { uid: rule.id, name: rule.title, type_id: 1 };
}

/** Tags do not say which technique serves which tactic, so each stands for itself. */
function attacksOf(of: readonly { readonly tags?: readonly string[] }[]): object[] {
  const { tactics, techniques, subTechniques } = attackOf(of);
  return [
    ...tactics.map(({ id, name }) => ({ tactic: { uid: id, name } })),
    ...techniques
      .filter((id) => !subTechniques.some((sub) => sub.startsWith(id)))
      .map((uid) => ({ technique: { uid } })),
    ...subTechniques.map((uid) => ({ technique: { uid: uid.slice(0, 5) }, sub_technique: { uid } })),
  ];
}

/** Open Cybersecurity Schema Framework 1.9. Fields that it lacks are below `unmapped`. */
export const OCSF: Mapping = {
  rows: [
    ...EVENT,
    ...METADATA,
    ...DEVICE,
    ...FINDING_INFO,
    ...processRows(ACTIVITY, ''),
    ...processRows(FINDING, 'evidences[].'),
    copy(['exit'], 'exit_code', 'exit_code'),
    made(KINDS, `${TOP}.time`, ['time'], 'to the nanosecond', timeOf),
    ...restRows(TOP),
    copy(COMMAND_KINDS, `${TOP}.argv`, 'argv'),
    made(COMMAND_KINDS, `${TOP}.uid`, ['uid'], 'where there is a `user_sid`', ({ process: { uid, user_sid: sid } }) =>
      sid === undefined ? undefined : uid,
    ),
    made(COMMAND_KINDS, `${TOP}.effective_user.name`, ['user.effective.name'], '', ({ process }) =>
      otherName(process.user),
    ),
    made(COMMAND_KINDS, `${TOP}.effective_group.name`, ['group.effective.name'], '', ({ process }) =>
      otherName(process.group),
    ),
    made(COMMAND_KINDS, `${TOP}.hashes.sha256`, ['hashes.sha256'], 'of an image that has no name', (subject) =>
      nameIn(targetOf(subject), subject) === undefined ? sha256Of(subject) : undefined,
    ),
    copy(IMAGE_KINDS, `${TOP}.comm`, 'comm'),
    copy(['exit'], `${TOP}.run_time`, 'run_time'),
  ],
  unwritable,
};

function unwritable({ line, seq }: Unwritable, { hostId, host, bootId, stream, seal, schemaVersion }: Origin): object {
  return {
    class_uid: 0,
    category_uid: 0,
    activity_id: 0,
    type_uid: 0,
    severity_id: 0,
    time: 0,
    metadata: { version: OCSF_VERSION, product: PRODUCT, uid: numberedId(bootId, seq), sequence: seq },
    device: { type_id: 0, uid: hostId, hostname: host ?? 'unknown', boot_uid: bootId },
    raw_data: line,
    [TOP]: { stream, schema_version: schemaVersion, seal: { number: seal } },
  };
}
