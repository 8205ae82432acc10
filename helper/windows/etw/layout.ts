/**
 * Sizes and offsets of the ETW structures on 64-bit Windows (evntrace.h, evntcons.h, wmistr.h of the Windows SDK). A
 * test compares them with a compiler's.
 */
export const EVENT_TRACE_PROPERTIES = {
  bytes: 120,
  BufferSize: 0,
  Guid: 24,
  ClientContext: 40,
  Flags: 44,
  BufferSizeKiB: 48,
  MinimumBuffers: 52,
  MaximumBuffers: 56,
  LogFileMode: 64,
  FlushTimer: 68,
  EnableFlags: 72,
  EventsLost: 88,
  LogBuffersLost: 96,
  RealTimeBuffersLost: 100,
  LogFileNameOffset: 112,
  LoggerNameOffset: 116,
} as const;

export const EVENT_TRACE_LOGFILE = {
  bytes: 448,
  LoggerName: 8,
  ProcessTraceMode: 28,
  EventRecordCallback: 424,
} as const;

/** EVENT_RECORD, whose first 80 bytes are the EVENT_HEADER. */
export const EVENT_RECORD = {
  bytes: 112,
  TimeStamp: 16,
  ProviderId: 24,
  Id: 40,
  Version: 42,
  Opcode: 45,
  UserDataLength: 86,
  UserData: 96,
} as const;

/** ENABLE_TRACE_PARAMETERS, EVENT_FILTER_DESCRIPTOR and EVENT_FILTER_EVENT_ID. */
export const ENABLE_TRACE_PARAMETERS = { bytes: 48, Version: 0, EnableFilterDesc: 32, FilterDescCount: 40 } as const;
export const EVENT_FILTER_DESCRIPTOR = { bytes: 16, Ptr: 0, Size: 8, Type: 12 } as const;

/** The bytes of a GUID written as usual: its first three parts are little-endian. */
function guidBytes(text: string): Buffer {
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

/** Microsoft-Windows-Kernel-Process: image path, creation time, token. No command line. */
export const KERNEL_PROCESS = guidBytes('22fb2cd6-0e7b-422b-a0c7-2fad1fd0e716');
/** The classic kernel events of class Process: command line and user. */
export const CLASSIC_PROCESS = guidBytes('3d6fa8d0-fe05-11d0-9dda-00c04fd7ba7c');

/** WINEVENT_KEYWORD_PROCESS, and the event ProcessStart. */
export const KEYWORD_PROCESS = 0x10n;
export const PROCESS_START = 1;
/** EVENT_TRACE_TYPE_START. */
export const CLASSIC_START = 1;
