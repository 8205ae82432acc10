import { isObject } from '../../shared/events/fields.ts';
import { checkEvent } from '../../shared/events/parse.ts';
import { NO_NUMBER } from '../events/item.ts';

/** What a line of any of our formats says of numbers and seals. */
export interface LineFacts {
  /** The event's type; undefined in a line that could only be written as text. */
  readonly type: string | undefined;
  /** Absent in a line that does not say who it is from. */
  readonly bootId: string | undefined;
  /** The seal that covers the line, or whose line it is. */
  readonly seal: number | undefined;
  /** The numbers that the line stands for: its own, or those of a gap. NO_NUMBER where it has none. */
  readonly first: number;
  readonly last: number;
  /** How many numbers a gap accounts for; 0 for all other lines. */
  readonly gapCount: number;
  /** The last number that a seal covers; NO_NUMBER for all other lines. */
  readonly sealedTo: number;
}

/** The fields of a native line; or their values in a line of another format, under the same names. */
type Fields = Readonly<Record<string, unknown>>;

/** Reads a line that one of our outputs has written. @returns undefined for what is no such line */
export function factsOf(line: string): LineFacts | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const fields = isObject(value) ? (native(value) ?? ecs(value) ?? ocsf(value)) : undefined;
    return fields && read(fields);
  } catch {
    return undefined;
  }
}

/** The count of a gap can be smaller than its range, unlike on the pipe: what filters left out of the range is not missing. */
function native(value: Fields): Fields | undefined {
  const { type } = value;
  if (typeof type !== 'string') return undefined;
  if (type !== 'gap' && type !== 'seal') checkEvent(value);
  return value;
}

/** Only lines of ECS that are ours have `probes`. */
function ecs({ event, host, probes }: Fields): Fields | undefined {
  if (!isObject(event) || !isObject(probes)) return undefined;
  const boot = isObject(host) && isObject(host['boot']) ? host['boot']['id'] : undefined;
  return fieldsOf(event['action'], event['sequence'], boot, probes);
}

function ocsf({ class_uid: uid, metadata, device, unmapped }: Fields): Fields | undefined {
  if (typeof uid !== 'number' || !isObject(metadata) || !isObject(unmapped)) return undefined;
  const boot = isObject(device) ? device['boot_uid'] : undefined;
  return fieldsOf(metadata['event_code'], metadata['sequence'], boot, unmapped);
}

/** @param rest what has no place in the schema: the same in both */
function fieldsOf(type: unknown, seq: unknown, boot: unknown, rest: Fields): Fields {
  const seal = isObject(rest['seal']) ? rest['seal'] : undefined;
  const gap = type === 'gap' && isObject(rest['gap']) ? rest['gap'] : undefined;
  return { ...gap, type, seq, boot_id: boot, seal: seal?.['number'], to: type === 'seal' ? seal?.['to'] : undefined };
}

function read({ type, boot_id: bootId, seal, seq, to, first, last, count }: Fields): LineFacts | undefined {
  const isGap = type === 'gap';
  const facts = {
    type,
    bootId,
    seal,
    first: (isGap ? first : seq) ?? NO_NUMBER,
    last: (isGap ? last : seq) ?? NO_NUMBER,
    gapCount: (isGap ? count : undefined) ?? 0,
    sealedTo: (type === 'seal' ? to : undefined) ?? NO_NUMBER,
  };
  const areNumbers = [facts.first, facts.last, facts.gapCount, facts.sealedTo, seal ?? 0].every(isNumber);
  const areTexts = [type, bootId].every((text) => text === undefined || typeof text === 'string');
  return areNumbers && areTexts ? (facts as LineFacts) : undefined;
}

function isNumber(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= NO_NUMBER;
}
