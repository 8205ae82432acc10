import type { ExecEvent } from '../../shared/events/exec.ts';
import { checkEvent } from '../../shared/events/parse.ts';
import type { StreamEvent } from '../events/item.ts';
import type { MissedCause, MissedEvent } from '../recent/missed.ts';
import { neutralise, neutraliseJson } from '../terminal-text.ts';
import { cutTo } from '../terminal/columns.ts';
import type { Explained } from '../rules/explain/explained.ts';
import { treeOf } from '../view/explanation.ts';
import { formatEvent, formatHeader, type LiveViewOptions } from '../view/live-view.ts';
import { TreeIndent } from '../view/tree-indent.ts';

export interface TailViewOptions extends Omit<LiveViewOptions, 'columns' | 'indent'> {
  /** Asked for each line: the window may change. */
  readonly columns: () => number;
  readonly isUtf8: boolean;
  /** Whether commands stand under their parents. */
  readonly tree: boolean;
}

/** Blanks before an explanation, which sets it off from the rows of events. */
const EXPLANATION_INDENT = 4;

const MISSED: Readonly<Record<MissedCause, string>> = {
  rate: 'there were more a second than --rate lets through',
  slow_reader: 'this terminal is too slow',
  too_long: 'too long to be held',
};

/** As it came, whatever it holds. */
type Unchecked<Event> = { readonly [Key in keyof Event]?: unknown };

/** Lines of the control socket as rows of a table. Whatever a line holds, it becomes one row that a terminal obeys nothing of. */
export class TailView {
  readonly #options: TailViewOptions;
  readonly #tree: TreeIndent | undefined;

  constructor(options: TailViewOptions) {
    this.#options = options;
    this.#tree = options.tree ? new TreeIndent(options.isUtf8) : undefined;
  }

  get #live(): LiveViewOptions {
    return { ...this.#options, columns: this.#options.columns() };
  }

  header(): string {
    return formatHeader(this.#live);
  }

  row(line: string): string {
    const event = eventIn(line);
    if (event === undefined) return this.note(neutraliseJson(line));
    if (event.type === 'missed') return this.#missed(event as unknown as Unchecked<MissedEvent>);
    const options = this.#live;
    if (this.#tree !== undefined && ['exec', 'exec_failed', 'fork'].includes(event.type))
      options.indent = this.#tree.of(event as ExecEvent);
    return formatEvent(event, options);
  }

  /** Below the row of an alert that says why its rules matched: a tree for each. */
  explanations(line: string): string[] {
    const { paint, isUtf8 } = this.#options;
    const { explanations } = (eventIn(line) ?? {}) as { explanations?: unknown };
    if (!Array.isArray(explanations)) return [];
    const options = { paint, isUtf8, columns: this.#options.columns() - EXPLANATION_INDENT };
    return explanations.flatMap((one: { title?: unknown; explanation?: Explained }) => {
      try {
        const { title, explanation } = one;
        const tree =
          explanation === undefined
            ? ['it would take too long, or too much room, to say why']
            : treeOf(explanation, options);
        return [neutralise(String(title)), ...tree].map((row) => ' '.repeat(EXPLANATION_INDENT) + row);
      } catch {
        // Another version, which explains in another way.
        return [];
      }
    });
  }

  #missed({ count, cause }: Unchecked<MissedEvent>): string {
    const number = Number(count);
    const why = Object.hasOwn(MISSED, String(cause)) ? MISSED[cause as MissedCause] : String(cause);
    return this.note(`${number.toLocaleString('en')} ${number === 1 ? 'event' : 'events'} not shown: ${why}`);
  }

  /** Something that is said between events. */
  note(text: string): string {
    return this.#options.paint('dim', cutTo(`-- ${neutralise(text)}`, this.#options.columns()));
  }
}

/** The event of a line; undefined when it is no event that can be shown as one. */
function eventIn(line: string): StreamEvent | undefined {
  try {
    const event = JSON.parse(line) as StreamEvent;
    if (event.type !== 'missed') checkEvent(event);
    return event;
  } catch {
    return undefined;
  }
}
