import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
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

/** Milliseconds between two looks at how much memory the process has. */
const LOOK_MS = 15_000;

/** Bytes by which the process may grow after a collection, until the next look. Garbage of old objects, above all. */
const GROWN_BYTES = 12 * 1024 * 1024;

/**
 * Bytes that it may have beyond its least since start or reload. While it has more, a look in four collects, even when it grows
 * no further: it may have let go of what it held. Usual work stays below.
 */
const HELD_BYTES = 32 * 1024 * 1024;
const LOOKS_WHILE_HELD = 4;

type CollectGarbage = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/** Gives memory of this process back to the system, on Linux. Elsewhere it does nothing. */
export class OwnMemory {
  readonly #libc: ReturnType<typeof bind> | undefined;
  readonly #collect: CollectGarbage | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The least since start or reload, and since the last collection. */
  #leastBytes = Infinity;
  #collectedBytes = Infinity;
  #looks = 0;

  /**
   * From here on, the C library keeps little free memory.
   * @param lookMs shorter in tests alone
   * @throws {AgentError} ADDON_UNSAFE
   */
  constructor(lookMs = LOOK_MS) {
    if (process.platform !== 'linux') return;
    const libc = bind();
    this.#libc = libc;
    libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    setFlagsFromString('--expose-gc');
    this.#collect = runInNewContext('gc') as CollectGarbage;
    setInterval(() => this.#look(), lookMs).unref();
  }

  /** Soon gives back what only the work until then needed; after several calls in a short time, once. */
  giveBackSoon(): void {
    const libc = this.#libc;
    if (libc === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#collectAndTrim();
      this.#leastBytes = this.#collectedBytes;
      releaseMappings(libc, unchangedMappings(readFileSync('/proc/self/smaps', 'latin1'), process.execPath));
    }, DONE_MS).unref();
  }

  #look(): void {
    const bytes = ownBytes();
    this.#looks++;
    this.#leastBytes = Math.min(this.#leastBytes, bytes);
    this.#collectedBytes = Math.min(this.#collectedBytes, bytes);
    const hasGrown = bytes - this.#collectedBytes >= GROWN_BYTES;
    const holdsMuch = bytes - this.#leastBytes >= HELD_BYTES && this.#looks >= LOOKS_WHILE_HELD;
    if (hasGrown || holdsMuch) this.#collectAndTrim();
  }

  /**
   * Collects all garbage. While events come without a pause, V8 never does what it does for an idle program: it keeps the pages
   * that earlier collections have freed, up to the most that garbage once took. Then gives back what the C library has free.
   */
  #collectAndTrim(): void {
    this.#collect?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    this.#libc?.malloc_trim(0);
    this.#collectedBytes = ownBytes();
    this.#looks = 0;
  }
}

/** Memory in use that is no file's, in bytes: proc_pid_status(5). */
function ownBytes(): number {
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]) * 1024;
}

function bind() {
  const libc = loadFfi().load(null);
  return {
    mallopt: libc.func('int mallopt(int parameter, int value)'),
    malloc_trim: libc.func('int malloc_trim(size_t pad)'),
    madvise: libc.func('int madvise(uintptr_t at, size_t bytes, int advice)'),
  };
}
