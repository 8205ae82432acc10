import { MAX_ENV_VALUES } from '../../limits.ts';
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
 * searched for each name with one call, instead of being taken apart.
 */
export class EnvironmentPicker {
  readonly #names: ReadonlyArray<{ readonly name: string; readonly atStart: string; readonly within: string }>;

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
    const found: Array<{ readonly at: number; readonly name: string }> = [];
    for (const { name, atStart, within } of this.#names) {
      let count = 0;
      if (text.startsWith(atStart)) found.push({ at: atStart.length, name });
      // One more than can be told shows that there are too many.
      for (let at = text.indexOf(within); at !== -1 && count <= MAX_ENV_VALUES; count++) {
        found.push({ at: at + within.length, name });
        at = text.indexOf(within, at + within.length);
      }
    }
    if (found.length === 0) return cut ? ENVIRONMENT_CUT : NO_ENVIRONMENT;
    found.sort((a, b) => a.at - b.at);
    const variables = new Variables();
    for (const { at, name } of found) {
      const nul = text.indexOf('\0', at);
      variables.add(name, bytes.subarray(start + at, nul === -1 ? end : start + nul));
    }
    if (cut) variables.cut();
    const { raw, ...fields } = variables.fields();
    return { text: `,${JSON.stringify(fields).slice(1, -1)}`, raw };
  }
}
