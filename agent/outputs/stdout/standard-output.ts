import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { systemCode } from '../../errors.ts';
import { writeAll } from '../../files/descriptor.ts';
import { ReaderGoneError } from '../output.ts';

const STANDARD_OUTPUT = 1;

/**
 * Standard output, written so that a reader who stops reading stops nothing
 * else. `process.stdout` will not do: its writes to pipes and terminals block
 * the whole process. Nor can the descriptor be made non-blocking, since other processes
 * share it. So it is opened a second time, non-blocking, where the system allows that.
 */
export class StandardOutput {
  #descriptor = STANDARD_OUTPUT;

  open(): void {
    if (this.#descriptor === STANDARD_OUTPUT) this.#descriptor = reopen();
  }

  /**
   * Resolves when all of it was taken.
   * @throws {ReaderGoneError} when nobody reads any more
   */
  async write(data: Buffer): Promise<void> {
    const { error } = await writeAll(this.#descriptor, data);
    if (error === undefined) return;
    if (error.code === 'EPIPE') throw new ReaderGoneError('standard output was closed', { cause: error });
    throw error;
  }

  close(): void {
    if (this.#descriptor !== STANDARD_OUTPUT) closeSync(this.#descriptor);
    this.#descriptor = STANDARD_OUTPUT;
  }
}

/**
 * A descriptor of our own for the pipe or terminal behind standard output. Regular files stay as they are: a second
 * opening would have a position of its own and overwrite. Sockets cannot be opened, and another
 * user's terminal may not be: those are written to in a thread of the pool.
 */
function reopen(): number {
  const stats = fstatSync(STANDARD_OUTPUT);
  if (process.platform !== 'linux' || !(stats.isFIFO() || stats.isCharacterDevice())) return STANDARD_OUTPUT;
  try {
    return openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    // ENXIO: the pipe has no reader. The first write will say so.
    if (systemCode(error) === undefined) throw error;
    return STANDARD_OUTPUT;
  }
}
