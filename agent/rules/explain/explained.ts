/** Whether a condition held. `maybe`: only the end of a field is known, and what is missing decides. A rule alerts then. */
export type Held = boolean | 'maybe';

/** The value that an event has in a field that a rule asks for. */
export interface FieldValue {
  readonly field: string;
  /** A list has at most MAX_ITEMS of its items, a text at most MAX_CHARACTERS; an object is JSON. Absent where the event has no such field. */
  readonly value?: unknown;
  /** The event has no such field. */
  readonly missing?: true;
  /** Characters of the whole text, or items of the whole list, where `value` is shorter. */
  readonly length?: number;
  /** `end`: the helper could read only the end of this path. `start`: it cut the command line. */
  readonly known?: 'end' | 'start';
}

/** One part of a rule's condition, and whether it held for an event. */
export interface Explained {
  /** `group`: a part without a name, such as parentheses or a map in a list of maps. */
  readonly part: 'condition' | 'filter' | 'of' | 'search' | 'item' | 'value' | 'group';
  /** As the rule has it: a condition, `1 of selection_*`, a search identifier, `Image|endswith` (empty for a keyword), a global filter's title. */
  readonly text?: string;
  /** Of a value. */
  readonly value?: string | number | boolean | null;
  readonly held: Held;
  /** Of an item, the event's value; of a value that names another field (`fieldref`), the value of that one. */
  readonly event?: FieldValue;
  /** How the parts make up the whole: absent for one part, which is then the whole. */
  readonly link?: 'all' | 'any' | 'not';
  readonly parts?: readonly Explained[];
}
