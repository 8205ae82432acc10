import { loadFfi } from '../ffi.ts';
import { getSystemErrorMessage } from 'node:util';

/** From socket.h of Linux, on all architectures that Node.js supports. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;

/** A connected datagram socket. Node.js has none for Unix sockets. */
export interface NotifySocket {
  /** Sends a datagram. Does not wait: one that finds no room is lost. */
  send(text: string): void;
}

/**
 * Connects to the socket of the service manager: sd_notify(3), unix(7). It stays open as long as the process.
 * @param address an absolute path, or `@` and a name without a file
 * @throws {Error} when nobody is there
 */
export function connectNotifySocket(address: string): NotifySocket {
  const koffi = loadFfi();
  const libc = koffi.load(null);
  const socket = libc.func('int socket(int domain, int type, int protocol)');
  const connect = libc.func('int connect(int fd, const uint8_t *address, uint32_t bytes)');
  const send = libc.func('intptr_t send(int fd, const uint8_t *data, size_t bytes, int flags)');
  const failure = (call: string): Error => new Error(`${call}: ${getSystemErrorMessage(-koffi.errno())}`);

  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  const rest = address.startsWith('@') ? `\0${address.slice(1)}` : `${address}\0`;
  const name = Buffer.concat([family, Buffer.from(rest)]);
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) as number;
  if (fd < 0) throw failure('socket');
  if (connect(fd, name, name.length) !== 0) throw failure('connect');
  return {
    send(text) {
      const bytes = Buffer.from(text);
      send(fd, bytes, bytes.length, MSG_NOSIGNAL);
    },
  };
}
