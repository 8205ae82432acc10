import type { SystemClocks } from '../../stream/clock.ts';
import type { SourceDescription } from '../../stream/event-source.ts';
import type { Koffi } from '../../koffi.ts';
import type { SocketCalls } from '../../unix/socket-calls.ts';

/** The interface of the system for the two processes of a child source. */
export interface Host {
  /** The platform in hello. */
  readonly platform: SourceDescription['platform'];
  readonly koffi: Koffi;
  readonly sockets: SocketCalls;
  readonly clocks: SystemClocks;

  /** Makes a pipe, closed on exec: the end to read and the end to write. @throws {SystemError} */
  pipe(): readonly [read: number, write: number];

  /** Marks an inherited descriptor to be closed in programs that this process starts. @throws {SystemError} */
  setCloseOnExec(fd: number): void;

  /** @throws {SystemError} */
  setNonBlocking(fd: number): void;

  /** A unique name for this boot. */
  bootId(): string;
}
