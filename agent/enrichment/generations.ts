/**
 * A bounded map that approximately forgets the least recently used entries. It has two halves and drops the older half when the
 * newer is full. An entry read from the older half moves to the newer. Unlike an LRU map, it never deletes single entries, which
 * would cost a JavaScript Map more than all other work here.
 */
export class Generations<Key, Value> {
  readonly #most: { readonly entries: number; readonly bytes?: number };
  readonly #sizeOf: (value: Value) => number;
  #newer = new Map<Key, Value>();
  #older = new Map<Key, Value>();
  #newerBytes = 0;
  #olderBytes = 0;

  /** @param sizeOf an estimate of the memory that a value takes, in bytes; needed where bytes are bounded */
  constructor(most: { readonly entries: number; readonly bytes?: number }, sizeOf: (value: Value) => number = () => 0) {
    this.#most = most;
    this.#sizeOf = sizeOf;
  }

  /** Entries held, including outdated copies in the older half. */
  get size(): number {
    return this.#newer.size + this.#older.size;
  }

  get bytes(): number {
    return this.#newerBytes + this.#olderBytes;
  }

  get(key: Key): Value | undefined {
    const value = this.#newer.get(key);
    if (value !== undefined) return value;
    const old = this.#older.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: Key, value: Value): void {
    const { entries, bytes = Infinity } = this.#most;
    const size = this.#sizeOf(value);
    if (this.#newer.size >= entries / 2 || this.#newerBytes + size > bytes / 2) {
      this.#older = this.#newer;
      this.#olderBytes = this.#newerBytes;
      this.#newer = new Map();
      this.#newerBytes = 0;
    }
    const before = this.#newer.get(key);
    if (before !== undefined) this.#newerBytes -= this.#sizeOf(before);
    this.#newer.set(key, value);
    this.#newerBytes += size;
  }

  clear(): void {
    this.#newer = new Map();
    this.#older = new Map();
    this.#newerBytes = 0;
    this.#olderBytes = 0;
  }
}
