import { writeSync } from 'node:fs';

/** xterm's control sequences (ctlseqs): the other screen, the cursor, synchronized output. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const END_OF_LINE = '\x1b[K';
const END_OF_SCREEN = '\x1b[J';
const BEGIN_UPDATE = '\x1b[?2026h';
const END_UPDATE = '\x1b[?2026l';

const CTRL_C = '\x03';
const CTRL_Z = '\x1a';

/**
 * A screen of a terminal that is drawn again in its place. What was there before comes back at the end, however the process ends,
 * SIGKILL aside. One at a time.
 */
export class Screen {
  readonly #out: NodeJS.WriteStream;
  readonly #in: NodeJS.ReadStream;
  #isOpen = false;
  readonly #restore = (): void => this.#leave();
  readonly #resized = (): void => this.onResize();
  readonly #continued = (): void => this.#enter();
  readonly #typed = (keys: Buffer): void => this.#read(keys.toString('latin1'));
  /** Called when the window has another size. */
  onResize: () => void = () => undefined;
  /** Called with `q`, and with Ctrl-C, which the terminal does not make a signal of meanwhile. */
  onQuit: () => void = () => undefined;

  constructor(out: NodeJS.WriteStream = process.stdout, input: NodeJS.ReadStream = process.stdin) {
    this.#out = out;
    this.#in = input;
  }

  get columns(): number {
    return this.#out.columns || 80;
  }

  get rows(): number {
    return this.#out.rows || 24;
  }

  open(): void {
    process.on('exit', this.#restore);
    process.on('SIGCONT', this.#continued);
    this.#out.on('resize', this.#resized);
    this.#enter();
    if (this.#in.isTTY) this.#in.on('data', this.#typed).resume();
  }

  /** Draws lines from the top of the screen on. Those that do not fit are left out. Each must fit the columns. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    const shown = lines.slice(0, this.rows);
    this.#out.write(
      BEGIN_UPDATE +
        HOME +
        shown.map((line) => line + END_OF_LINE).join('\r\n') +
        (shown.length < this.rows ? END_OF_SCREEN : '') +
        END_UPDATE,
    );
  }

  close(): void {
    process.off('exit', this.#restore).off('SIGCONT', this.#continued);
    this.#out.off('resize', this.#resized);
    this.#in.off('data', this.#typed).pause();
    this.#leave();
  }

  #enter(): void {
    this.#isOpen = true;
    if (this.#in.isTTY) this.#in.setRawMode(true);
    this.#out.write(ENTER);
    this.onResize();
  }

  /** Written at once: the process may be about to end. */
  #leave(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#in.isTTY) this.#in.setRawMode(false);
    try {
      writeSync(1, LEAVE);
    } catch {
      // The terminal is gone, and nothing is left to restore.
    }
  }

  #read(keys: string): void {
    for (const key of keys) {
      if (key === 'q' || key === CTRL_C) return this.onQuit();
      if (key !== CTRL_Z) continue;
      this.#leave();
      process.kill(process.pid, 'SIGSTOP');
    }
  }
}
