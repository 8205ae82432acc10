import { isObject } from '../../../shared/events/fields.ts';
import { CLOCK_FIELDS } from '../../../shared/events/clock.ts';
import { EXEC_FAILED_FIELDS, EXEC_FIELDS, type ExecEvent, type ExecFailedEvent } from '../../../shared/events/exec.ts';
import { EXIT_FIELDS, type ExitEvent } from '../../../shared/events/exit.ts';
import { FORK_FIELDS } from '../../../shared/events/fork.ts';
import { GAP_FIELDS } from '../../../shared/events/gap.ts';
import type { ContainerFact } from '../../containers/container.ts';
import type { StreamEvent } from '../../events/item.ts';
import { SEAL_FIELDS } from '../../events/seal.ts';
import type { Platform } from '../../values/platform.ts';

/** The kind of an event for a mapping: its type, except that an alert is a kind of its own. `other`: of a type that is not known. */
export const KINDS = ['exec', 'alert', 'exec_failed', 'fork', 'exit', 'gap', 'clock', 'seal', 'other'] as const;

export type Kind = (typeof KINDS)[number];

/** The kinds that are about one process. */
export const PROCESS_KINDS = ['exec', 'alert', 'exec_failed', 'fork', 'exit'] as const satisfies readonly Kind[];

/** The fields of events about one process. Each kind has some of them. */
export type ProcessFields = Partial<
  Omit<ExecFailedEvent, 'type'> &
    Pick<ExecEvent, 'env' | 'env_repeated' | 'env_truncated'> &
    Omit<ExitEvent, 'type' | 'source'> &
    AgentFields
>;

/** A rule that matched, as far as rows read it. */
interface Rule {
  readonly id: string;
  readonly title: string;
  readonly level?: string;
  readonly author?: string;
  readonly tags?: readonly string[];
}

interface Ancestor {
  readonly pid: number;
  readonly entity_id?: string;
  readonly exe?: string;
  readonly command_line?: string;
}

/** The fields that the agent adds: to alerts, and where an output asks for facts. */
interface AgentFields {
  rules: readonly Rule[];
  entity_id: string;
  ancestors: readonly Ancestor[];
  image_truncated: true;
  redacted: true;
  user: object;
  group: object;
  hashes: object;
  container: ContainerFact;
}

const ALERT_FIELDS = ['rules', 'image_truncated'] as const;

/** Facts of any event that has a process, and their forms. The command line of the parent is in `parent`. */
const FACTS: Readonly<Record<string, (value: unknown) => boolean>> = {
  user: isNames,
  group: isNames,
  hashes: (value) => isObject(value) && Object.keys(value).join() === 'sha256' && typeof value['sha256'] === 'string',
  entity_id: (value) => typeof value === 'string',
  ancestors: areAncestors,
  container: isContainer,
};

/** Every field, except `type`, that an event of this kind can have. What is not listed here is passed on under `other`. */
export const FIELDS_OF: Readonly<Record<Kind, readonly string[]>> = {
  exec: [...namesOf(EXEC_FIELDS), 'redacted', ...Object.keys(FACTS)],
  alert: [...namesOf(EXEC_FIELDS), 'redacted', ...Object.keys(FACTS), ...ALERT_FIELDS],
  exec_failed: [...namesOf(EXEC_FAILED_FIELDS), 'redacted', ...Object.keys(FACTS)],
  fork: [...namesOf(FORK_FIELDS), 'redacted'],
  exit: namesOf(EXIT_FIELDS),
  gap: namesOf(GAP_FIELDS),
  clock: namesOf(CLOCK_FIELDS),
  seal: namesOf(SEAL_FIELDS),
  other: [],
};

function namesOf(fields: object): string[] {
  return Object.keys(fields).filter((name) => name !== 'type');
}

/** The origin of events. Made once for many of them: text that depends on it alone is written once for all. */
export interface Origin {
  readonly hostId?: string | undefined;
  readonly host?: string | undefined;
  readonly stream?: string | undefined;
  readonly platform?: Platform | undefined;
  /** The boot that its number is of. */
  readonly bootId?: string | undefined;
  /** The seal that covers it. */
  readonly seal?: number | undefined;
  readonly schemaVersion?: number | undefined;
}

/** An event, as rows of a mapping read it. */
export interface Subject {
  readonly kind: Kind;
  readonly origin: Origin;
  /** The event as what it is when it is about a process. */
  readonly process: ProcessFields;
  /** The same event, with whatever it holds. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const KNOWN_TYPES: ReadonlySet<string> = new Set(KINDS.filter((kind) => kind !== 'alert' && kind !== 'other'));

/** @param event checked as far as its type is known */
export function subjectOf(event: StreamEvent, origin: Origin): Subject {
  const fields = event as unknown as Readonly<Record<string, unknown>>;
  return { kind: kindOf(event.type, fields), origin, process: fields as ProcessFields, fields };
}

function kindOf(type: string, fields: Readonly<Record<string, unknown>>): Kind {
  if (type === 'exec') return fields['rules'] !== undefined && isAlert(fields) ? 'alert' : 'exec';
  return KNOWN_TYPES.has(type) ? (type as Kind) : 'other';
}

/** Whether the agent has made it an alert. Only helper's fields are checked where events come in, so this looks at the agent's. */
function isAlert({ rules, entity_id: id, ancestors }: Readonly<Record<string, unknown>>): boolean {
  return (
    isListOf(rules, isRule) &&
    (rules as unknown[]).length > 0 &&
    isOptionalText(id) &&
    (ancestors === undefined || isListOf(ancestors, isAncestor))
  );
}

function isRule(value: Readonly<Record<string, unknown>>): boolean {
  const { id, title, level, author, tags } = value;
  return (
    typeof id === 'string' &&
    typeof title === 'string' &&
    isOptionalText(level) &&
    isOptionalText(author) &&
    (tags === undefined || (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')))
  );
}

/** Whether a field that the agent adds is as it writes it: where events come in, only the helper's fields are checked. */
export function isWellFormed(name: string, value: unknown): boolean {
  return value === undefined || FACTS[name]?.(value) !== false;
}

/** Whether a field has a container. */
export function isContainer(value: unknown): value is ContainerFact {
  if (!isObject(value)) return false;
  const { id, runtime, pod_uid: pod, qos, name, image, ...others } = value;
  const isTexts = [runtime, pod, qos, name, image].every(isOptionalText);
  return Object.keys(others).length === 0 && typeof id === 'string' && isTexts;
}

function isNames(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { name, effective, ...others } = value;
  return Object.keys(others).length === 0 && isOptionalText(name) && (effective === undefined || isNames(effective));
}

/** Whether a field has the ancestors of a process. */
export function areAncestors(value: unknown): value is readonly Ancestor[] {
  return isListOf(value, isAncestor);
}

function isAncestor({ pid, entity_id: id, exe, command_line: line }: Readonly<Record<string, unknown>>): boolean {
  return Number.isSafeInteger(pid) && [id, exe, line].every(isOptionalText);
}

function isListOf(value: unknown, check: (item: Readonly<Record<string, unknown>>) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => isObject(item) && check(item));
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}
