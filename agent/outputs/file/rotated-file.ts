import type { FileHandle } from 'node:fs/promises';

/**
 * The file that was rotated last, while the system writes it to the disk. That takes a tenth of a second on a fast disk,
 * and seconds on a slow one: nobody waits for it, except the rotation after it, and a flush.
 */
export class RotatedFile {
  #pending: Promise<Error | undefined> | undefined;

  /** Takes over a file that is complete, and closes it when it is on the disk. Call `settled` before. */
  take(handle: FileHandle): void {
    this.#pending = finish(handle);
  }

  /** Resolves when the last one is on the disk. @throws once, where it could not be written */
  async settled(): Promise<void> {
    const pending = this.#pending;
    const error = await pending;
    if (this.#pending === pending) this.#pending = undefined;
    if (error !== undefined) throw error;
  }
}

async function finish(handle: FileHandle): Promise<Error | undefined> {
  try {
    await handle.datasync();
    return undefined;
  } catch (error) {
    return error as Error;
  } finally {
    await handle.close().catch(() => undefined);
  }
}
