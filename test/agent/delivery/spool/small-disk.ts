import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TemporaryFolder } from './support.ts';

/** A disk of so many bytes. Needs root. */
export class SmallDisk extends TemporaryFolder {
  constructor(bytes: number) {
    super();
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'tmpfs', this.root]);
  }

  override [Symbol.dispose](): void {
    execFileSync('umount', ['-l', this.root]);
    super[Symbol.dispose]();
  }

  readonly #ballast = join(this.root, 'ballast');

  fill(bytes: number): void {
    writeFileSync(this.#ballast, Buffer.alloc(bytes));
  }

  free(): void {
    rmSync(this.#ballast, { force: true });
  }
}
