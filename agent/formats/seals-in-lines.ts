import { hash } from 'node:crypto';
import { NO_NUMBER } from '../events/item.ts';
import { firstSeal, type SealState } from '../events/seal-state.ts';
import { factsOf, type LineFacts } from './line-facts.ts';

/** A line of the open seal. */
interface Counted {
  readonly first: number;
  readonly last: number;
  readonly gapCount: number;
  readonly part: number;
}

/** A line that says of which boot and seal it is. */
type Line = LineFacts & { readonly bootId: string; readonly seal: number };

/** Finds how far the seals of a stream are from its newest lines: the last seal, and the lines behind it. */
export class SealsInLines {
  readonly #lines: Counted[] = [];
  #begun: SealState | undefined;
  #state: SealState | undefined;

  /** Once `add` has returned true; undefined when the newest seal cannot be found: a new chain then begins. */
  get state(): SealState | undefined {
    return this.#state;
  }

  /** The state when there is no older line, so that the open seal has to be the first. */
  get stateFromTheFirst(): SealState | undefined {
    return this.#begun?.seal === 1 ? total(this.#begun, this.#lines) : undefined;
  }

  /**
   * Takes the next older line, of any format: the configuration may have changed since.
   * @param line without its newline
   * @returns whether the state is known, so that no older line is needed
   */
  add(line: Buffer): boolean {
    const value = parse(line);
    // Lines of other programs, and those from before the output said who it is, are in no seal.
    if (value === undefined) return false;
    const { bootId: boot, seal } = value;
    const begun = (this.#begun ??= { ...firstSeal(boot), seal: value.type === 'seal' ? seal + 1 : seal });
    if (value.type === 'seal' && boot === begun.boot_id) {
      if (seal + 1 === begun.seal)
        this.#state = total(begun, this.#lines, value.sealedTo, digest(line).toString('hex'));
      return true;
    }
    if (boot !== begun.boot_id || seal !== begun.seal) {
      this.#state = this.stateFromTheFirst;
      return true;
    }
    this.#lines.push({ ...value, part: digest(line).readUInt32BE() });
    return false;
  }
}

/** @param lines the newest first */
function total(begun: SealState, lines: readonly Counted[], before?: number, prev?: string): SealState {
  const state = { ...begun, through: before ?? NO_NUMBER };
  let from = before === undefined ? undefined : before + 1;
  for (const { first, last, gapCount, part } of lines.toReversed()) {
    // A line that was written again, after somebody had cut the file.
    if (last !== NO_NUMBER && last <= state.through && gapCount === 0) continue;
    if (last !== NO_NUMBER) {
      from ??= first;
      state.through = Math.max(state.through, last);
      if (gapCount === 0) state.sent++;
      else state.gap += gapCount;
    }
    state.lines++;
    state.sum += part;
  }
  return { ...state, ...(from === undefined ? {} : { from }), ...(prev === undefined ? {} : { prev }) };
}

function parse(line: Buffer): Line | undefined {
  const facts = factsOf(line.toString('utf8'));
  return facts?.bootId === undefined || facts.seal === undefined ? undefined : (facts as Line);
}

function digest(line: Uint8Array): Buffer {
  return hash('sha256', line, 'buffer');
}
