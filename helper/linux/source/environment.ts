import { ENVIRONMENT_CACHE_BYTES, ENVIRONMENT_CACHE_ENTRIES, MAX_ENV_VALUES } from '../../limits.ts';
import { Variables } from '../../stream/variables.ts';

/** The environment in a line of JSON. */
export interface EnvironmentText {
  /** The fields, each with a comma before it; empty if there is nothing to tell. */
  readonly text: string;
  readonly raw: Readonly<Record<string, string>> | undefined;
}

export const NO_ENVIRONMENT: EnvironmentText = { text: '', raw: undefined };
/** In place of what has no room in a line. */
export const ENVIRONMENT_CUT: EnvironmentText = { text: ',"env_truncated":true', raw: undefined };

/**
 * Picks the listed variables out of the environment of a new image, and spells them. The rest is not kept.
 *
 * Speed counts here, as in exec-line.ts: an environment has some kilobytes, and hardly ever a listed variable. So it is
 * searched for each name with one call, instead of being taken apart. And programs that one user starts often have the
 * same values, so what was spelled last is kept, by its bytes.
 */
export class EnvironmentPicker {
  readonly #names: ReadonlyArray<{ readonly name: string; readonly atStart: string; readonly within: string }>;

  readonly #known = new Map<string, EnvironmentText>();

  /** @param names the listed variables: ASCII, without `=` */
  constructor(names: readonly string[]) {
    this.#names = names.map((name) => ({ name, atStart: `${name}=`, within: `\0${name}=` }));
  }

  /** Whether any variable is listed. */
  get isOn(): boolean {
    return this.#names.length > 0;
  }

  /**
   * @param bytes hold the environment from `start` to `end`, each variable with its NUL
   * @param cut whether more of it is missing
   */
  pick(bytes: Buffer, start: number, end: number, cut: boolean): EnvironmentText {
    if (!this.isOn) return NO_ENVIRONMENT;
    // One character for each byte, so that places in the text are places in the bytes.
    const text = bytes.latin1Slice(start, end);
    const found: Found[] = [];
    for (const { name, atStart, within } of this.#names) {
      if (text.startsWith(atStart)) found.push(foundAt(text, name, 0));
      // One more than can be told shows that there are too many.
      for (let at = text.indexOf(within), count = 0; at !== -1 && count <= MAX_ENV_VALUES; count++) {
        found.push(foundAt(text, name, at + 1));
        at = text.indexOf(within, at + within.length);
      }
    }
    if (found.length === 0) return cut ? ENVIRONMENT_CUT : NO_ENVIRONMENT;
    if (found.length > 1) found.sort((a, b) => a.at - b.at);
    // Each with its NUL, and no name begins with one: no two different lists are the same text.
    let key = cut ? '\0' : '';
    for (const { at, valueEnd } of found) key += `${text.slice(at, valueEnd)}\0`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const variables = new Variables();
    for (const { name, at, valueEnd } of found)
      variables.add(name, bytes.subarray(start + at + name.length + 1, start + valueEnd));
    if (cut) variables.cut();
    const { raw, ...fields } = variables.fields();
    const fresh = { text: `,${JSON.stringify(fields).slice(1, -1)}`, raw };
    if (key.length > ENVIRONMENT_CACHE_BYTES) return fresh;
    if (this.#known.size >= ENVIRONMENT_CACHE_ENTRIES) this.#known.clear();
    this.#known.set(key, fresh);
    return fresh;
  }
}

/** A listed variable: where it begins in the environment, with its name, and where its value ends. */
interface Found {
  readonly name: string;
  readonly at: number;
  readonly valueEnd: number;
}

function foundAt(text: string, name: string, at: number): Found {
  const nul = text.indexOf('\0', at);
  return { name, at, valueEnd: nul === -1 ? text.length : nul };
}
