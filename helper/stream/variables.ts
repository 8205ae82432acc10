import { isUtf8 } from 'node:buffer';
import type { EnvironmentFields } from '../../shared/events/exec.ts';
import { MAX_ENV_VALUE_BYTES, MAX_ENV_VALUES } from '../limits.ts';

/**
 * Collects the listed variables of one environment, in its order, within the bounds of limits.ts: a value that is too
 * long is cut, and values beyond the most are left out; both set `env_truncated`.
 */
export class Variables {
  // Without a prototype: any name can be listed, `__proto__` too.
  readonly #first = Object.create(null) as Record<string, string>;
  readonly #repeated = Object.create(null) as Record<string, string[]>;
  readonly #raw = Object.create(null) as Record<string, string>;
  #count = 0;
  #cut = false;

  /** Adds the next variable. @param value its bytes, not kept */
  add(name: string, value: Buffer): void {
    if (this.#count === MAX_ENV_VALUES) {
      this.#cut = true;
      return;
    }
    this.#count++;
    const bytes = value.subarray(0, endOfWhole(value, MAX_ENV_VALUE_BYTES));
    if (bytes.length < value.length) this.#cut = true;
    const text = bytes.toString('utf8');
    let path = `env.${name}`;
    if (!(name in this.#first)) this.#first[name] = text;
    else {
      const list = (this.#repeated[name] ??= []);
      path = `env_repeated.${name}[${list.length}]`;
      list.push(text);
    }
    if (!isUtf8(bytes)) this.#raw[path] = bytes.toString('base64');
  }

  /** Notes that there may be more than was added. */
  cut(): void {
    this.#cut = true;
  }

  /** The fields of what was added so far, and what `raw` holds of them. Those without contents are absent. */
  fields(): EnvironmentFields & { raw?: Record<string, string> } {
    return {
      ...unlessEmpty('env', this.#first),
      ...unlessEmpty('env_repeated', this.#repeated),
      ...(this.#cut ? { env_truncated: true } : {}),
      ...unlessEmpty('raw', this.#raw),
    };
  }
}

/** Where to cut so that at most `most` bytes stay, without parting a character of UTF-8, which has four at most. */
function endOfWhole(bytes: Buffer, most: number): number {
  if (bytes.length <= most) return bytes.length;
  let end = most;
  while (end > most - 3 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return end;
}

function unlessEmpty<K extends string, V extends object>(name: K, value: V): Partial<Record<K, V>> {
  for (const _ in value) return { [name]: value } as Record<K, V>;
  return {};
}
