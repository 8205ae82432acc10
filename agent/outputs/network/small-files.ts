import { stat } from 'node:fs/promises';
import { reasonOf, systemCode } from '../../errors.ts';
import { readBounded } from '../../files/read-bounded.ts';

/** The longest certificate chain, key or token that is read, in bytes. */
const MAX_BYTES = 1024 * 1024;

const CREDENTIALS = '$CREDENTIALS_DIRECTORY';

interface Known {
  readonly stamp: string;
  readonly content: Buffer;
}

/**
 * Secrets and certificates: files that somebody replaces now and then. They are looked at before each batch and read again
 * when they changed, so that a new secret needs no reload.
 */
export class SmallFiles {
  readonly #paths: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;
  #known = new Map<string, Known>();

  /** @param paths as configured; those that are undefined are left out */
  constructor(paths: ReadonlyArray<string | undefined>, environment: NodeJS.ProcessEnv = process.env) {
    this.#paths = paths.filter((path) => path !== undefined);
    this.#environment = environment;
  }

  /** Returns a file's content at its last read; undefined without a path. */
  get(path: string | undefined): Buffer | undefined {
    return path === undefined ? undefined : this.#known.get(path)?.content;
  }

  /**
   * Reads the files that changed.
   * @param force whether files are read that look the same
   * @returns whether any now holds something else
   * @throws an error that names the file and the next step; the earlier content stays
   */
  async refresh(force = false): Promise<boolean> {
    const known = new Map<string, Known>();
    let changed = false;
    for (const path of this.#paths) {
      const before = this.#known.get(path);
      const now = await this.#look(path, force ? undefined : before);
      changed ||= before === undefined || !now.content.equals(before.content);
      known.set(path, now);
    }
    this.#known = known;
    return changed;
  }

  async #look(path: string, before: Known | undefined): Promise<Known> {
    const place = this.#placeOf(path);
    try {
      const { ino, size, mtimeNs, ctimeNs } = await stat(place, { bigint: true });
      const stamp = [ino, size, mtimeNs, ctimeNs].join();
      if (before?.stamp === stamp) return before;
      return { stamp, content: await readBounded(place, { maxBytes: MAX_BYTES }) };
    } catch (error) {
      throw new Error(`cannot read ${path}: ${advice(error)}`, { cause: error });
    }
  }

  #placeOf(path: string): string {
    if (!path.startsWith(`${CREDENTIALS}/`)) return path;
    const folder = this.#environment['CREDENTIALS_DIRECTORY'];
    if (folder === undefined)
      throw new Error(
        `cannot read ${path}: ${CREDENTIALS} is not set; give the service LoadCredential=, or name a file`,
      );
    return folder + path.slice(CREDENTIALS.length);
  }
}

function advice(error: unknown): string {
  switch (systemCode(error)) {
    case 'ENOENT':
      return 'no such file';
    case 'EACCES':
      return "permission denied; the agent's user must be able to read it";
    default:
      return reasonOf(error);
  }
}

/**
 * A secret as text: without the newline at its end.
 * @throws where it is empty, not UTF-8, or holds what no secret holds; the message does not show it
 */
export function secretText(content: Buffer, path: string): string {
  const text = content.toString('utf8').replace(/\r?\n$/u, '');
  if (text === '') throw new Error(`${path} is empty; write the secret into it`);
  if (/[\p{Cc}\u{fffd}]/u.test(text))
    throw new Error(`${path} holds more than one line, or bytes that are no text; write the secret alone into it`);
  return text;
}

/**
 * Reads the files again after the receiver did not accept what they hold.
 * @param use takes what was read; may throw
 * @returns whether they hold something else now that can be used. Never rejects: the next batch looks again, and then the reason is told
 */
export async function haveChanged(files: SmallFiles, use: () => void): Promise<boolean> {
  try {
    if (!(await files.refresh(true))) return false;
    use();
    return true;
  } catch {
    return false;
  }
}
