import { fold } from '../value/fold.ts';

/** Nested values below this are not searched for keywords. */
const MAX_DEPTH = 8;

/** An event: Sigma's field names, or those of a rule's author, with JSON values. */
export type SigmaEvent = Readonly<Record<string, unknown>>;

/** The event under way; `epoch` is another number for each. */
export interface Current {
  event: SigmaEvent;
  epoch: number;
}

/**
 * One field of the event under way, read at most once an event: `refresh`
 * comes before every use. The engine reuses the object for every event.
 */
export class Subject {
  /** null: any value of the event (keywords). */
  readonly field: string | null;
  /** As in the event; undefined where it is missing. */
  raw: unknown = undefined;
  /** The value as text, or a list of texts, or undefined where it has none. */
  texts: string | readonly string[] | undefined = undefined;
  /** Characters of all of its texts. */
  size = 0;
  readonly #read: (event: SigmaEvent) => unknown;
  #epoch = 0;
  #folded: readonly string[] | undefined;
  readonly #current: Current;

  constructor(field: string | null, current: Current) {
    this.field = field;
    this.#current = current;
    this.#read = field === null ? (event) => everything(event) : reader(field);
  }

  refresh(): void {
    const { event, epoch } = this.#current;
    if (this.#epoch === epoch) return;
    this.#epoch = epoch;
    this.raw = this.#read(event);
    this.texts =
      typeof this.raw === 'string'
        ? this.raw
        : this.field === null
          ? (this.raw as readonly string[])
          : textsOf(this.raw);
    this.size = sizeOf(this.texts);
    this.#folded = undefined;
  }

  /** Before epochs are numbered from the start again. */
  forget(): void {
    this.#epoch = 0;
  }

  list(): readonly string[] {
    const { texts } = this;
    return texts === undefined ? [] : typeof texts === 'string' ? [texts] : texts;
  }

  folded(): readonly string[] {
    return (this.#folded ??= this.list().map(fold));
  }
}

function sizeOf(texts: Subject['texts']): number {
  if (typeof texts === 'string') return texts.length;
  let size = 0;
  if (texts !== undefined) for (const text of texts) size += text.length;
  return size;
}

/** Reads one field: its own name first, then, where the name has dots, a path into nested values. */
export function reader(field: string): (event: SigmaEvent) => unknown {
  // A name that every object inherits must be looked up as the event's own.
  const plain: (event: SigmaEvent) => unknown =
    field in Object.prototype
      ? (event) => (Object.hasOwn(event, field) ? event[field] : undefined)
      : (event) => event[field];
  if (!field.includes('.')) return plain;
  const path = field.split('.');
  return (event) => {
    const found = plain(event);
    if (found !== undefined) return found;
    let value: unknown = event;
    for (const step of path) {
      // A list has no names, whatever JavaScript thinks of its length.
      if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, step))
        return undefined;
      value = (value as SigmaEvent)[step];
    }
    return value;
  };
}

function textsOf(value: unknown): string | readonly string[] | undefined {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'boolean':
    case 'bigint':
      return String(value);
    default:
      if (!Array.isArray(value)) return undefined;
      return value.flatMap((item: unknown) => (typeof item === 'object' ? [] : (textsOf(item) ?? [])));
  }
}

/** Every value of the event that has a text, for keywords. */
function everything(event: SigmaEvent): readonly string[] {
  const texts: string[] = [];
  collect(event, texts, 0);
  return texts;
}

function collect(value: object, texts: string[], depth: number): void {
  for (const item of Object.values(value) as unknown[]) {
    if (typeof item === 'string') texts.push(item);
    else if (typeof item !== 'object') {
      if (item !== undefined) texts.push(String(item));
    } else if (item !== null && depth < MAX_DEPTH) collect(item, texts, depth + 1);
  }
}
