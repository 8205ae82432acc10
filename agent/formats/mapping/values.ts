import { isObject } from '../../../shared/events/fields.ts';
import type { ContainerFact } from '../../containers/container.ts';
import { entityId } from '../../events/entity-id.ts';
import { seqOf, type StreamEvent } from '../../events/item.ts';
import { LEVELS } from '../../rules/parse/metadata.ts';
import {
  areAncestors,
  FIELDS_OF,
  isContainer,
  isWellFormed,
  KINDS,
  type ProcessFields,
  type Subject,
} from './subject.ts';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/u;

/** The latest moment that Date can hold, in seconds since 1970. */
const MAX_SECONDS = 8_640_000_000_000;

/** When it happened: RFC 3339 as it was received. An event of an unknown type without a time has 1970. */
export function timeOf({ fields: { time, timestamp } }: Subject): string {
  if (typeof time === 'string' && INSTANT.test(time) && !Number.isNaN(Date.parse(time))) return time;
  const seconds = typeof timestamp === 'number' && Math.abs(timestamp) <= MAX_SECONDS ? timestamp : 0;
  return new Date(seconds * 1000).toISOString();
}

/** The same in milliseconds since 1970. */
export function millisOf(subject: Subject): number {
  const { time } = subject.fields;
  const millis = typeof time === 'string' && INSTANT.test(time) ? Date.parse(time) : Number.NaN;
  return Number.isNaN(millis) ? Date.parse(timeOf(subject)) : millis;
}

/** The event's number; undefined where it has none. */
export function sequenceOf({ kind, process, fields }: Subject): number | undefined {
  return kind === 'other' ? seqOf(fields as unknown as StreamEvent) : process.seq;
}

/**
 * Names an event for ever, and is the same when it is sent again. `BOOT:SEQ` where it has a number.
 * @returns undefined where no boot is known, or where an unknown type has no number
 */
export function eventId(subject: Subject): string | undefined {
  const { kind, fields, origin } = subject;
  if (origin.bootId === undefined) return undefined;
  switch (kind) {
    case 'gap':
      return `${origin.bootId}:gap:${fields['first']}-${fields['last']}:${fields['hop']}:${fields['cause']}`;
    case 'clock':
      return `${origin.bootId}:clock:${fields['from_seq']}:${fields['to']}`;
    case 'seal':
      return `${origin.bootId}:seal:${origin.stream}:${origin.seal}:${fields['from']}-${fields['to']}`;
    default:
      return numberedId(origin.bootId, sequenceOf(subject));
  }
}

export function numberedId(bootId: string | undefined, seq: number | undefined): string | undefined {
  return bootId === undefined || seq === undefined ? undefined : `${bootId}:${seq}`;
}

/** The last part of a path: after `/`, and on Windows also after `\`. */
export function nameIn(path: string | undefined, { origin }: Subject): string | undefined {
  if (path === undefined) return undefined;
  const slash = path.lastIndexOf('/');
  const end = origin.platform === 'windows' ? Math.max(slash, path.lastIndexOf('\\')) : slash;
  const name = path.slice(end + 1);
  return name === '' ? undefined : name;
}

/** The image that runs; where the system did not tell, the path that was asked for. */
export function imageOf({ exe, filename }: ProcessFields): string | undefined {
  return exe ?? filename;
}

/** The image of the event's process. A failed exec's process runs the one that it ran before. */
export function ownImageOf({ kind, process }: Subject): string | undefined {
  return kind === 'exec_failed' ? process.exe : imageOf(process);
}

export function parentPid({ parent, ppid }: ProcessFields): number | undefined {
  return parent?.pid ?? ppid;
}

/** Names the process: `BOOT/PID/START`, as in alerts. */
export function processId({ kind, process, origin }: Subject): string | undefined {
  const { entity_id: id, pid, start_time: start } = process;
  // Of an exit, nobody asks for it; it can be anything.
  const known = kind !== 'exit' && typeof id === 'string' ? id : undefined;
  return known ?? entity(origin.bootId, pid, start);
}

export function parentId({ process: { parent }, origin }: Subject): string | undefined {
  return entity(origin.bootId, parent?.pid, parent?.start_time);
}

function entity(bootId: string | undefined, pid: number | undefined, start: number | undefined): string | undefined {
  return bootId === undefined || pid === undefined || start === undefined ? undefined : entityId(bootId, pid, start);
}

/** The name in a fact such as `user`; of the effective user or group where that is another. Nobody has checked the fact. */
export function realName(fact: unknown): string | undefined {
  return isObject(fact) ? textIn(fact['name']) : undefined;
}

/** The name of the effective user or group, where it is another. */
export function otherName(fact: unknown): string | undefined {
  return isObject(fact) ? realName(fact['effective']) : undefined;
}

/** The name of the effective user or group, also where it is the same. @param isSame whether their numbers are equal, or there is only one */
export function effectiveName(fact: unknown, isSame: boolean): string | undefined {
  return isSame ? realName(fact) : otherName(fact);
}

/** An account of Windows, `DOMAIN\\name`, in its parts; elsewhere the name alone. */
export function accountIn(name: string | undefined, { origin }: Subject): { domain?: string; name?: string } {
  if (name === undefined) return {};
  const at = origin.platform === 'windows' ? name.indexOf('\\') : -1;
  return at === -1 ? { name } : { domain: name.slice(0, at), name: name.slice(at + 1) };
}

/** SHA-256 of the image. */
export function sha256Of({ process: { hashes } }: Subject): string | undefined {
  return isObject(hashes) ? textIn(hashes['sha256']) : undefined;
}

export function parentCommandLine({ process: { parent } }: Subject): string | undefined {
  return textIn((parent as { command_line?: unknown } | undefined)?.command_line);
}

/** The ancestors, where the field has some. */
export function ancestorsIn({ process: { ancestors } }: Subject): ProcessFields['ancestors'] {
  return areAncestors(ancestors) ? ancestors : undefined;
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** When the process began, as far as that can be told: of a fork, of an exit, or where `start_time` counts from 1970. Nanoseconds since then. */
function startOf(subject: Subject): bigint | undefined {
  const { kind, process, origin } = subject;
  if (kind === 'fork') return nanosOf(timeOf(subject));
  if (kind === 'exit') return nanosOf(timeOf(subject)) - BigInt(process.run_time ?? 0) * 1000n;
  if (origin.platform === undefined || origin.platform === 'linux' || process.start_time === undefined)
    return undefined;
  return BigInt(process.start_time) * 1000n;
}

/** The process that leads the session; undefined on Windows, where a session is no process. */
export function sessionLeaderOf({ origin, process }: Subject): number | undefined {
  return origin.platform === 'windows' ? undefined : process.session_id;
}

export function startText(subject: Subject): string | undefined {
  const start = startOf(subject);
  if (start === undefined) return undefined;
  const seconds = floor(start, 1_000_000_000n);
  const fraction = String(start - seconds * 1_000_000_000n).padStart(9, '0');
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, -5)}.${fraction}Z`;
}

export function startMillis(subject: Subject): number | undefined {
  const start = startOf(subject);
  return start === undefined ? undefined : Number(floor(start, 1_000_000n));
}

/** Nanoseconds since 1970. @param time as `timeOf` gives it */
export function nanosOf(time: string): bigint {
  const dot = time.indexOf('.');
  const fraction = dot === -1 ? '' : time.slice(dot + 1, -1);
  return BigInt(Date.parse(`${time.slice(0, 19)}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
}

function floor(value: bigint, unit: bigint): bigint {
  return value / unit - (value % unit < 0n ? 1n : 0n);
}

/** The rule with the highest level; the first of several. */
export function topRule({ process: { rules } }: Subject): NonNullable<ProcessFields['rules']>[number] | undefined {
  return rules?.reduce((top, rule) => (severityOf(rule.level) > severityOf(top.level) ? rule : top));
}

/** 1 informational to 5 critical; 0 without a level. */
export function severityOf(level: string | undefined): number {
  return LEVELS.indexOf(level as (typeof LEVELS)[number]) + 1;
}

/** `raw` as a list, so that a receiver has two fields, and not one for each argument. */
export function rawList(raw: unknown): { field: string; base64: unknown }[] | undefined {
  if (!isObject(raw)) return undefined;
  return Object.entries(raw).map(([field, base64]) => ({ field, base64 }));
}

/** The container that the agent found. */
export function containerIn({ process: { container } }: Subject): ContainerFact | undefined {
  return isContainer(container) ? container : undefined;
}

/** The container's id: `container_id`; of one without 64 digits, the one that the agent found. */
export function containerIdOf(subject: Subject): string | undefined {
  return subject.process.container_id ?? containerIn(subject)?.id;
}

/** A part of the container that the agent found. */
export function containerText(part: keyof ContainerFact): (subject: Subject) => string | undefined {
  return (subject) => containerIn(subject)?.[part];
}

/** The values that `env` has not, as a list, so that a receiver has two fields, and not one for each name. */
export function repeatedList({ process: { env_repeated: repeated } }: Subject): object[] | undefined {
  return repeated && Object.entries(repeated).map(([name, values]) => ({ name, values }));
}

const KNOWN = new Map(KINDS.map((kind) => [kind, new Set(['type', ...FIELDS_OF[kind]])]));

/** Fields that no row is for: of a type that is not known, of a later version, or not in the agent's form. */
export function otherFields({ kind, fields }: Subject): object | undefined {
  const known = KNOWN.get(kind)!;
  let other: Record<string, unknown> | undefined;
  for (const name in fields)
    if (!known.has(name) || !isWellFormed(name, fields[name]))
      (other ??= Object.create(null) as Record<string, unknown>)[name] = fields[name];
  return other;
}
