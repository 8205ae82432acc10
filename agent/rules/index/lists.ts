import { packList } from './literal.ts';

/** Lists of atoms, each kept once. Number 0 stands for none. */
export class Lists {
  readonly all: Int32Array[] = [packList([])];
  readonly #known = new Map<string, number>();

  numberOf(atoms: readonly number[]): number {
    if (atoms.length === 0) return 0;
    const name = atoms.join();
    let found = this.#known.get(name);
    if (found === undefined) {
      found = this.all.push(packList(atoms)) - 1;
      this.#known.set(name, found);
    }
    return found;
  }
}
