import { randomBytes } from 'node:crypto';
import { HelperError } from '../../errors.ts';
import type { Koffi } from '../../koffi.ts';
import { SESSION_BUFFER_KIB, SESSION_MAX_BUFFERS, SESSION_MIN_BUFFERS } from '../limits.ts';
import type { EtwFunctions } from './functions.ts';
import {
  ENABLE_TRACE_PARAMETERS,
  EVENT_FILTER_DESCRIPTOR,
  EVENT_TRACE_PROPERTIES as P,
  KERNEL_PROCESS,
  KEYWORD_PROCESS,
  PROCESS_START,
} from './layout.ts';

export const SESSION_NAME = 'platform-probes';

const WNODE_FLAG_TRACED_GUID = 0x0002_0000;
const CLOCK_QPC = 1;
const EVENT_TRACE_REAL_TIME_MODE = 0x0000_0100;
const EVENT_TRACE_SYSTEM_LOGGER_MODE = 0x0200_0000;
const EVENT_TRACE_FLAG_PROCESS = 1;
const FLUSH_SECONDS = 1;
const CONTROL = { query: 0, stop: 1, flush: 3 } as const;
const ENABLE_PROVIDER = 1;
const LEVEL_INFORMATION = 4;
const FILTER_EVENT_ID = 0x8000_0200;

const ERROR = { ACCESS_DENIED: 5, INVALID_PARAMETER: 87, ALREADY_EXISTS: 183, NO_SYSTEM_RESOURCES: 1450 } as const;
const NAME_BYTES = 2048;

/** Losses of the session since it was started, by its own counters. */
export interface SessionLosses {
  readonly events: number;
  /** Lost buffers, whose number of events nobody knows. */
  readonly buffers: number;
}

/** Starts, queries and stops the one tracing session of this product. The worker reads it. */
export class EtwSession {
  readonly #koffi: Koffi;
  readonly #etw: EtwFunctions;
  #handle = 0n;
  #guid = Buffer.alloc(16);
  #classic = false;

  constructor(koffi: Koffi, etw: EtwFunctions) {
    this.#koffi = koffi;
    this.#etw = etw;
  }

  /** Whether the session has the classic kernel events, and so command lines. */
  get hasClassic(): boolean {
    return this.#classic;
  }

  /**
   * Starts the session, after ending a left-over one of the same name. If Windows has no room for another system logger
   * (there are eight), continues without command lines.
   * @throws {HelperError}
   */
  start(): void {
    this.#classic = true;
    let status = this.#startAfresh();
    if (status === ERROR.NO_SYSTEM_RESOURCES || status === ERROR.INVALID_PARAMETER) {
      this.#classic = false;
      status = this.#startAfresh();
    }
    if (status === ERROR.ACCESS_DENIED) {
      throw new HelperError(
        'HELPER_NOT_ROOT',
        'only an administrator can start a tracing session. Start the helper elevated, or as a service.',
      );
    }
    if (status !== 0) throw refused('StartTrace', status);
    const enabled = this.#enable(true) === 0 ? 0 : this.#enable(false);
    if (enabled === 0) return;
    this.stop();
    throw refused('EnableTraceEx2', enabled);
  }

  /** Losses so far; undefined if the session is no longer ours: somebody stopped it, or took its name. */
  losses(): SessionLosses | undefined {
    const properties = newProperties();
    if (this.#etw.ControlTraceW(this.#handle, null, properties, CONTROL.query) !== 0) return undefined;
    if (!properties.subarray(P.Guid, P.Guid + 16).equals(this.#guid)) return undefined;
    return lossesIn(properties);
  }

  /** Losses of a session of our name, whoever started it; undefined if there is none. */
  static lossesByName(etw: EtwFunctions): SessionLosses | undefined {
    const properties = newProperties();
    return etw.ControlTraceW(0n, SESSION_NAME, properties, CONTROL.query) === 0 ? lossesIn(properties) : undefined;
  }

  /** Makes Windows deliver its buffers. */
  flush(): void {
    this.#etw.ControlTraceW(this.#handle, null, newProperties(), CONTROL.flush);
  }

  /** Ends the session. Windows delivers its buffers, then the reader's ProcessTrace returns. */
  stop(): void {
    this.#etw.ControlTraceW(0n, SESSION_NAME, newProperties(), CONTROL.stop);
  }

  #startAfresh(): number {
    const status = this.#startOnce();
    if (status !== ERROR.ALREADY_EXISTS) return status;
    this.stop();
    return this.#startOnce();
  }

  #startOnce(): number {
    const properties = newProperties();
    this.#guid = randomBytes(16);
    this.#guid.copy(properties, P.Guid);
    if (this.#classic) properties.writeUInt32LE(EVENT_TRACE_FLAG_PROCESS, P.EnableFlags);
    properties.writeUInt32LE(
      EVENT_TRACE_REAL_TIME_MODE | (this.#classic ? EVENT_TRACE_SYSTEM_LOGGER_MODE : 0),
      P.LogFileMode,
    );
    const handle = [0n];
    const status = this.#etw.StartTraceW(handle, SESSION_NAME, properties) as number;
    if (status === 0) this.#handle = BigInt(handle[0] ?? 0);
    return status;
  }

  /** @param onlyStarts asks Windows (8.1 and later) to omit all other events of the provider */
  #enable(onlyStarts: boolean): number {
    const events = Buffer.from([1, 0, 1, 0, PROCESS_START, 0]);
    const filter = Buffer.alloc(EVENT_FILTER_DESCRIPTOR.bytes);
    filter.writeBigUInt64LE(BigInt(this.#koffi.address(events)), EVENT_FILTER_DESCRIPTOR.Ptr);
    filter.writeUInt32LE(events.length, EVENT_FILTER_DESCRIPTOR.Size);
    filter.writeUInt32LE(FILTER_EVENT_ID, EVENT_FILTER_DESCRIPTOR.Type);
    const parameters = Buffer.alloc(ENABLE_TRACE_PARAMETERS.bytes);
    parameters.writeUInt32LE(2, ENABLE_TRACE_PARAMETERS.Version);
    if (onlyStarts) {
      parameters.writeBigUInt64LE(BigInt(this.#koffi.address(filter)), ENABLE_TRACE_PARAMETERS.EnableFilterDesc);
      parameters.writeUInt32LE(1, ENABLE_TRACE_PARAMETERS.FilterDescCount);
    }
    return this.#etw.EnableTraceEx2(
      this.#handle,
      KERNEL_PROCESS,
      ENABLE_PROVIDER,
      LEVEL_INFORMATION,
      KEYWORD_PROCESS,
      0n,
      0,
      parameters,
    ) as number;
  }
}

const lossesIn = (properties: Buffer): SessionLosses => ({
  events: properties.readUInt32LE(P.EventsLost),
  buffers: properties.readUInt32LE(P.RealTimeBuffersLost) + properties.readUInt32LE(P.LogBuffersLost),
});

/** EVENT_TRACE_PROPERTIES with room for the two names that Windows puts behind it. */
function newProperties(): Buffer {
  const bytes = Buffer.alloc(P.bytes + 2 * NAME_BYTES);
  bytes.writeUInt32LE(bytes.length, P.BufferSize);
  bytes.writeUInt32LE(CLOCK_QPC, P.ClientContext);
  bytes.writeUInt32LE(WNODE_FLAG_TRACED_GUID, P.Flags);
  bytes.writeUInt32LE(SESSION_BUFFER_KIB, P.BufferSizeKiB);
  bytes.writeUInt32LE(SESSION_MIN_BUFFERS, P.MinimumBuffers);
  bytes.writeUInt32LE(SESSION_MAX_BUFFERS, P.MaximumBuffers);
  bytes.writeUInt32LE(EVENT_TRACE_REAL_TIME_MODE, P.LogFileMode);
  bytes.writeUInt32LE(FLUSH_SECONDS, P.FlushTimer);
  bytes.writeUInt32LE(P.bytes + NAME_BYTES, P.LogFileNameOffset);
  bytes.writeUInt32LE(P.bytes, P.LoggerNameOffset);
  return bytes;
}

function refused(call: string, status: number): HelperError {
  return new HelperError(
    'HELPER_PROBE_REFUSED',
    `${call} of session "${SESSION_NAME}" failed with Windows error ${status}. "net helpmsg ${status}" explains it.`,
  );
}
