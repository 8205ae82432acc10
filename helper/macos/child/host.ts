import type { SystemClocks } from '../../stream/clock.ts';
import type { SourceDescription } from '../../stream/event-source.ts';
import type { Koffi } from '../../koffi.ts';
import type { SocketCalls } from '../../unix/socket-calls.ts';

/** What the two processes of a child source need of their system. */
export interface Host {
  /** What hello says that it is. */
  readonly platform: SourceDescription['platform'];
  readonly koffi: Koffi;
  readonly sockets: SocketCalls;
  readonly clocks: SystemClocks;

  /** A new pipe, closed on exec: the end to read and the end to write. @throws {SystemError} */
  pipe(): readonly [read: number, write: number];

  /** Has a descriptor that was inherited closed in programs that this process starts. @throws {SystemError} */
  setCloseOnExec(fd: number): void;

  /** @throws {SystemError} */
  setNonBlocking(fd: number): void;

  /** A name for this boot that no other boot has. */
  bootId(): string;
}
