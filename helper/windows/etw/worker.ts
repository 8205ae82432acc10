import { parentPort, workerData } from 'node:worker_threads';
import { loadKoffi } from '../../koffi.ts';
import { RING_WAIT_MS } from '../limits.ts';
import { bindEtw } from './functions.ts';
import {
  CLASSIC_PROCESS,
  CLASSIC_START,
  EVENT_RECORD,
  EVENT_TRACE_LOGFILE,
  KERNEL_PROCESS,
  PROCESS_START,
} from './layout.ts';
import { RECORD, RecordRing } from './record-ring.ts';
import { SESSION_NAME } from './session.ts';
import type { FromWorker, WorkerInput } from './trace-thread.ts';

const PROCESS_TRACE_MODE_REAL_TIME = 0x0000_0100;
const PROCESS_TRACE_MODE_EVENT_RECORD = 0x1000_0000;
const INVALID_PROCESSTRACE_HANDLE = 0xffff_ffff_ffff_ffffn;

/**
 * The thread in which Windows delivers events. ProcessTrace does not return while the session lives, and calls back for
 * each event. The callback copies the wanted parts into the ring, since Windows reuses the record afterwards.
 */
function main(port: NonNullable<typeof parentPort>, { addon, library, memory }: WorkerInput): void {
  const koffi = loadKoffi(addon);
  const etw = bindEtw(koffi, library);
  const lastError = koffi.load('kernel32.dll').func('uint32_t __stdcall GetLastError()');
  const ring = new RecordRing(memory);
  const say = (message: FromWorker): void => port.postMessage(message);

  const prototype = koffi.proto('void __stdcall EventRecordCallback(void *record)');
  const callback = koffi.register((record: bigint) => {
    const header = Buffer.from(koffi.view(record, EVENT_RECORD.bytes));
    const kind = kindOf(header);
    if (kind === undefined) return;
    const length = header.readUInt16LE(EVENT_RECORD.UserDataLength);
    const payload =
      length === 0
        ? new Uint8Array(0)
        : new Uint8Array(koffi.view(header.readBigUInt64LE(EVENT_RECORD.UserData), length));
    ring.push(
      kind,
      header[EVENT_RECORD.Version] as number,
      header.readBigUInt64LE(EVENT_RECORD.TimeStamp),
      payload,
      RING_WAIT_MS,
    );
  }, koffi.pointer(prototype));

  const name = Buffer.from(`${SESSION_NAME}\0`, 'utf16le');
  port.on('message', () => {
    const logfile = Buffer.alloc(EVENT_TRACE_LOGFILE.bytes);
    logfile.writeBigUInt64LE(BigInt(koffi.address(name)), EVENT_TRACE_LOGFILE.LoggerName);
    logfile.writeUInt32LE(
      PROCESS_TRACE_MODE_REAL_TIME | PROCESS_TRACE_MODE_EVENT_RECORD,
      EVENT_TRACE_LOGFILE.ProcessTraceMode,
    );
    logfile.writeBigUInt64LE(BigInt(koffi.address(callback)), EVENT_TRACE_LOGFILE.EventRecordCallback);
    const handle = BigInt(etw.OpenTraceW(logfile));
    if (handle === INVALID_PROCESSTRACE_HANDLE)
      return say({ type: 'ended', call: 'OpenTrace', status: lastError() as number });
    say({ type: 'opened' });
    const status = etw.ProcessTrace([handle], 1, null, null) as number;
    etw.CloseTrace(handle);
    say({ type: 'ended', call: 'ProcessTrace', status });
  });
}

function kindOf(header: Buffer): (typeof RECORD)[keyof typeof RECORD] | undefined {
  const provider = header.subarray(EVENT_RECORD.ProviderId, EVENT_RECORD.ProviderId + 16);
  if (provider.equals(KERNEL_PROCESS))
    return header.readUInt16LE(EVENT_RECORD.Id) === PROCESS_START ? RECORD.kernelProcess : undefined;
  if (provider.equals(CLASSIC_PROCESS))
    return header[EVENT_RECORD.Opcode] === CLASSIC_START ? RECORD.classicProcess : undefined;
  return undefined;
}

if (parentPort !== null) main(parentPort, workerData as WorkerInput);
