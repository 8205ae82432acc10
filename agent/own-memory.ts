import { readFileSync } from 'node:fs';
import { releaseMappings, unchangedMappings } from '../shared/linux/program-pages.ts';
import { loadFfi } from './ffi.ts';

/** From malloc.h of the GNU C library. */
const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;

/**
 * Bytes that the C library may keep at the end of its memory, and from which on a piece is a mapping of its own. By default both grow,
 * up to 64 and 32 MiB, once a large piece was freed: mallopt(3).
 */
const KEPT_BYTES = 1024 * 1024;

/** Milliseconds after a start or a reload until its memory is given back. By then, a replay of the helper has been read, too. */
const DONE_MS = 5000;

/** Milliseconds between two times at which the C library gives back free memory: V8's compilers use much, for a moment. */
const TRIM_MS = 60_000;

/** Gives memory of this process back to the system, on Linux. Elsewhere it does nothing. */
export class OwnMemory {
  readonly #libc: ReturnType<typeof bind> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /**
   * From here on, the C library keeps little free memory.
   * @throws {AgentError} ADDON_UNSAFE
   */
  constructor() {
    if (process.platform !== 'linux') return;
    const libc = bind();
    this.#libc = libc;
    libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    setInterval(() => libc.malloc_trim(0), TRIM_MS).unref();
  }

  /** Soon gives back what only the work until then needed; after several calls in a short time, once. */
  giveBackSoon(): void {
    const libc = this.#libc;
    if (libc === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      libc.malloc_trim(0);
      releaseMappings(libc, unchangedMappings(readFileSync('/proc/self/smaps', 'latin1'), process.execPath));
    }, DONE_MS).unref();
  }
}

function bind() {
  const libc = loadFfi().load(null);
  return {
    mallopt: libc.func('int mallopt(int parameter, int value)'),
    malloc_trim: libc.func('int malloc_trim(size_t pad)'),
    madvise: libc.func('int madvise(uintptr_t at, size_t bytes, int advice)'),
  };
}
