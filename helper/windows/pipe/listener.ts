import { isHandle, type Handle, type Windows } from '../functions.ts';
import { MAX_CLIENTS } from '../../limits.ts';
import { ACCEPT_INTERVAL_MS } from '../limits.ts';
import { isMember } from '../token.ts';
import type { Connection, Listener } from '../../pipe/connection.ts';
import { PipeConnection } from './connection.ts';
import { createInstance, ERROR, Overlapped } from './instance.ts';
import { ALWAYS_ALLOWED, pipeSddl, readSddl, securityAttributes } from './security.ts';

const PROCESS_QUERY_LIMITED_INFORMATION = 0x1000;

interface Waiting {
  readonly handle: Handle;
  readonly connect: Overlapped;
}

/** Serves a named pipe: one instance waits for the next client, up to the maximum number of clients. */
export class PipeListener implements Listener {
  /** The pipe's owner and access list, as Windows reports them. */
  readonly sddl: string;
  readonly #windows: Windows;
  readonly #name: string;
  readonly #allowed: readonly string[];
  readonly #security: Buffer;
  #connected = 0;
  #waiting: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;

  /**
   * Makes the pipe, which exists when this returns.
   * @param group SID of the group that may read, in addition to SYSTEM and administrators
   * @throws {HelperError}
   */
  constructor(windows: Windows, name: string, group: string) {
    this.#windows = windows;
    this.#name = name;
    this.#allowed = [...ALWAYS_ALLOWED, group];
    this.#security = securityAttributes(windows, pipeSddl(group));
    const first = createInstance(windows, name, this.#security, true);
    this.sddl = readSddl(windows, first);
    this.#waiting = this.#listenOn(first);
  }

  begin(onReady: () => void): void {
    this.#timer = setInterval(onReady, ACCEPT_INTERVAL_MS);
  }

  accept(): Connection | 'refused' | undefined {
    this.#waiting ??= this.#next();
    const waiting = this.#waiting;
    const connected = waiting?.connect.result();
    if (waiting === undefined || connected === undefined) return undefined;
    this.#connected++;
    this.#waiting = undefined;
    // First: while no instance waits, clients find the pipe busy.
    this.#waiting = this.#next();
    const pid = connected === 'failed' ? undefined : this.#clientPid(waiting.handle);
    if (pid === undefined || !this.#mayRead(pid)) {
      this.#ended();
      this.#windows.CloseHandle(waiting.handle);
      return 'refused';
    }
    return new CountedConnection(this.#windows, waiting.handle, { pid }, () => this.#ended());
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#waiting === undefined) return;
    this.#waiting.connect.cancel();
    this.#windows.CloseHandle(this.#waiting.handle);
    this.#waiting = undefined;
  }

  #ended(): void {
    this.#connected--;
  }

  #next(): Waiting | undefined {
    if (this.#connected >= MAX_CLIENTS) return undefined;
    try {
      return this.#listenOn(createInstance(this.#windows, this.#name, this.#security, false));
    } catch {
      // The instance of a client that left may still exist: the next look tries again.
      return undefined;
    }
  }

  #listenOn(handle: Handle): Waiting {
    const connect = new Overlapped(this.#windows, handle);
    connect.setPending();
    const done = this.#windows.ConnectNamedPipe(handle, connect.address) === true;
    const status = done ? 0 : this.#windows.lastError();
    if (done || status === ERROR.PIPE_CONNECTED) connect.reset();
    return { handle, connect };
  }

  #clientPid(handle: Handle): number | undefined {
    const pid = [0];
    return this.#windows.GetNamedPipeClientProcessId(handle, pid) === true ? pid[0] : undefined;
  }

  /** Checks the client's token, in addition to the access list. */
  #mayRead(pid: number): boolean {
    const process = this.#windows.OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, false, pid) as Handle;
    if (!isHandle(process)) return false;
    const member = isMember(this.#windows, process, this.#allowed);
    this.#windows.CloseHandle(process);
    return member;
  }
}

/** Reports to the listener when its place is free again. */
class CountedConnection extends PipeConnection {
  readonly #onClose: () => void;

  constructor(windows: Windows, handle: Handle, peer: { pid: number }, onClose: () => void) {
    super(windows, handle, peer);
    this.#onClose = onClose;
  }

  override close(): void {
    super.close();
    this.#onClose();
  }
}
