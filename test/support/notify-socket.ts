import { mkdtempSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import koffi from 'koffi';
import { PATIENCE } from './pace.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MOST_BYTES = 4096;

const libc = koffi.load('libc.so.6');
const socket = libc.func('int socket(int domain, int type, int protocol)');
const bind = libc.func('int bind(int fd, const uint8_t *address, uint32_t bytes)');
const recv = libc.func('intptr_t recv(int fd, _Out_ uint8_t *data, size_t bytes, int flags)');
const close = libc.func('int close(int fd)');
const chmod = libc.func('int chmod(const char *path, uint32_t mode)');

/** The socket of a service manager, as in NOTIFY_SOCKET of sd_notify(3): takes datagrams, and keeps what they say. */
export class NotifySocket {
  /** A path, or `@` and a name. */
  readonly address: string;
  readonly #fd: number;
  readonly #folder: string | undefined;
  readonly #received: string[] = [];

  constructor({ abstract = false } = {}) {
    this.#folder = abstract ? undefined : mkdtempSync('/run/platform-probes-notify-');
    this.address = this.#folder === undefined ? `@platform-probes-notify-${process.pid}` : `${this.#folder}/notify`;
    this.#fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) as number;
    const family = Buffer.alloc(2);
    family.writeUInt16LE(AF_UNIX);
    const name = abstract ? `\0${this.address.slice(1)}` : `${this.address}\0`;
    const address = Buffer.concat([family, Buffer.from(name)]);
    if (bind(this.#fd, address, address.length) !== 0) throw new Error(`cannot bind ${this.address}`);
    // As systemd's: everyone may send.
    if (this.#folder === undefined) return;
    chmod(this.#folder, 0o755);
    chmod(this.address, 0o777);
  }

  /** All datagrams so far, in order. */
  get received(): readonly string[] {
    const data = Buffer.alloc(MOST_BYTES);
    for (;;) {
      const bytes = Number(recv(this.#fd, data, data.length, MSG_DONTWAIT));
      if (bytes < 0) return this.#received;
      this.#received.push(data.toString('utf8', 0, bytes));
    }
  }

  /** Whether a line of any datagram says exactly this. */
  has(line: string): boolean {
    return this.count(line) > 0;
  }

  /** How many datagrams have this line. */
  count(line: string): number {
    return this.received.filter((text) => text.split('\n').includes(line)).length;
  }

  /** Waits for something; by then it has been told. @throws {Error} with what was received, after `seconds` */
  async until(holds: () => boolean, seconds = 20): Promise<void> {
    for (let waited = 0; !holds(); waited += 20) {
      if (waited > seconds * 1000 * PATIENCE) throw new Error(`received only: ${JSON.stringify(this.received)}`);
      await delay(20);
    }
  }

  [Symbol.dispose](): void {
    close(this.#fd);
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }
}
