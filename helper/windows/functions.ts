import type { Koffi } from '../koffi.ts';

/** A failed call of Windows, with its error number, which `net helpmsg` explains. */
export class WindowsError extends Error {
  override readonly name = 'WindowsError';
  readonly status: number;

  constructor(call: string, status: number) {
    super(`${call} failed with Windows error ${status}`);
    this.status = status;
  }
}

/** A HANDLE as a number. -1 and 0 are invalid. */
export type Handle = number | bigint;

/** Functions of Windows that Node.js does not offer, as Microsoft's reference describes them. */
export type Windows = ReturnType<typeof bindWindows>;

export function bindWindows(koffi: Koffi) {
  const kernel = koffi.load('kernel32.dll');
  const advapi = koffi.load('advapi32.dll');
  const ntdll = koffi.load('ntdll.dll');
  const base = koffi.load('kernelbase.dll');
  const lastError = kernel.func('uint32_t __stdcall GetLastError()');
  const bound = {
    // Handles and memory
    CloseHandle: kernel.func('bool __stdcall CloseHandle(int64_t handle)'),
    LocalFree: kernel.func('void * __stdcall LocalFree(void *memory)'),
    // Clocks and drives
    QueryInterruptTimePrecise: base.func('void __stdcall QueryInterruptTimePrecise(_Out_ uint64_t *time)'),
    GetSystemTimePreciseAsFileTime: kernel.func('void __stdcall GetSystemTimePreciseAsFileTime(_Out_ uint64_t *time)'),
    QueryDosDeviceW: kernel.func(
      'uint32_t __stdcall QueryDosDeviceW(const char16_t *drive, _Out_ uint8_t *target, uint32_t characters)',
    ),
    GetWindowsDirectoryW: kernel.func(
      'uint32_t __stdcall GetWindowsDirectoryW(_Out_ uint8_t *folder, uint32_t characters)',
    ),
    // Pipes
    CreateNamedPipeW: kernel.func(
      'int64_t __stdcall CreateNamedPipeW(const char16_t *name, uint32_t open, uint32_t mode, uint32_t instances, uint32_t out, uint32_t in, uint32_t timeout, const uint8_t *security)',
    ),
    ConnectNamedPipe: kernel.func('bool __stdcall ConnectNamedPipe(int64_t pipe, void *overlapped)'),
    WriteFile: kernel.func(
      'bool __stdcall WriteFile(int64_t file, void *bytes, uint32_t length, void *written, void *overlapped)',
    ),
    ReadFile: kernel.func(
      'bool __stdcall ReadFile(int64_t file, _Out_ uint8_t *bytes, uint32_t length, _Out_ uint32_t *read, void *overlapped)',
    ),
    GetOverlappedResult: kernel.func(
      'bool __stdcall GetOverlappedResult(int64_t file, void *overlapped, _Out_ uint32_t *bytes, bool wait)',
    ),
    CancelIoEx: kernel.func('bool __stdcall CancelIoEx(int64_t file, void *overlapped)'),
    GetNamedPipeClientProcessId: kernel.func(
      'bool __stdcall GetNamedPipeClientProcessId(int64_t pipe, _Out_ uint32_t *pid)',
    ),
    GetNamedPipeServerProcessId: kernel.func(
      'bool __stdcall GetNamedPipeServerProcessId(int64_t pipe, _Out_ uint32_t *pid)',
    ),
    CreateFileW: kernel.func(
      'int64_t __stdcall CreateFileW(const char16_t *name, uint32_t access, uint32_t share, void *security, uint32_t disposition, uint32_t flags, int64_t template)',
    ),
    // Processes and tokens
    GetCurrentProcess: kernel.func('int64_t __stdcall GetCurrentProcess()'),
    OpenProcess: kernel.func('int64_t __stdcall OpenProcess(uint32_t access, bool inherit, uint32_t pid)'),
    GetProcessTimes: kernel.func(
      'bool __stdcall GetProcessTimes(int64_t process, _Out_ uint64_t *created, _Out_ uint64_t *ended, _Out_ uint64_t *kernel, _Out_ uint64_t *user)',
    ),
    QueryFullProcessImageNameW: kernel.func(
      'bool __stdcall QueryFullProcessImageNameW(int64_t process, uint32_t flags, _Out_ uint8_t *path, _Inout_ uint32_t *characters)',
    ),
    NtQueryInformationProcess: ntdll.func(
      'int32_t __stdcall NtQueryInformationProcess(int64_t process, uint32_t kind, _Out_ uint8_t *data, uint32_t bytes, _Out_ uint32_t *needed)',
    ),
    OpenProcessToken: advapi.func(
      'bool __stdcall OpenProcessToken(int64_t process, uint32_t access, _Out_ int64_t *token)',
    ),
    GetTokenInformation: advapi.func(
      'bool __stdcall GetTokenInformation(int64_t token, uint32_t kind, _Out_ uint8_t *data, uint32_t bytes, _Out_ uint32_t *needed)',
    ),
    AdjustTokenPrivileges: advapi.func(
      'bool __stdcall AdjustTokenPrivileges(int64_t token, bool disableAll, const uint8_t *state, uint32_t bytes, void *previous, void *needed)',
    ),
    LookupPrivilegeNameW: advapi.func(
      'bool __stdcall LookupPrivilegeNameW(void *system, const uint8_t *luid, _Out_ uint8_t *name, _Inout_ uint32_t *characters)',
    ),
    DuplicateToken: advapi.func('bool __stdcall DuplicateToken(int64_t token, uint32_t level, _Out_ int64_t *copy)'),
    CheckTokenMembership: advapi.func(
      'bool __stdcall CheckTokenMembership(int64_t token, void *sid, _Out_ int32_t *member)',
    ),
    // Security descriptors
    ConvertStringSidToSidW: advapi.func(
      'bool __stdcall ConvertStringSidToSidW(const char16_t *text, _Out_ void **sid)',
    ),
    LookupAccountNameW: advapi.func(
      'bool __stdcall LookupAccountNameW(void *system, const char16_t *name, _Out_ uint8_t *sid, _Inout_ uint32_t *sidBytes, _Out_ uint8_t *domain, _Inout_ uint32_t *domainCharacters, _Out_ uint32_t *use)',
    ),
    ConvertStringSecurityDescriptorToSecurityDescriptorW: advapi.func(
      'bool __stdcall ConvertStringSecurityDescriptorToSecurityDescriptorW(const char16_t *text, uint32_t revision, _Out_ void **descriptor, void *bytes)',
    ),
    ConvertSecurityDescriptorToStringSecurityDescriptorW: advapi.func(
      'bool __stdcall ConvertSecurityDescriptorToStringSecurityDescriptorW(void *descriptor, uint32_t revision, uint32_t parts, _Out_ void **text, _Out_ uint32_t *characters)',
    ),
    GetSecurityInfo: advapi.func(
      'uint32_t __stdcall GetSecurityInfo(int64_t handle, uint32_t type, uint32_t parts, void *owner, void *group, void *dacl, void *sacl, _Out_ void **descriptor)',
    ),
    GetNamedSecurityInfoW: advapi.func(
      'uint32_t __stdcall GetNamedSecurityInfoW(const char16_t *name, uint32_t type, uint32_t parts, void *owner, void *group, void *dacl, void *sacl, _Out_ void **descriptor)',
    ),
    RegGetValueW: advapi.func(
      'uint32_t __stdcall RegGetValueW(int64_t key, const char16_t *path, const char16_t *name, uint32_t flags, void *type, _Out_ uint8_t *data, _Inout_ uint32_t *bytes)',
    ),
    // Event log
    RegisterEventSourceW: advapi.func('int64_t __stdcall RegisterEventSourceW(void *server, const char16_t *source)'),
    ReportEventW: advapi.func(
      'bool __stdcall ReportEventW(int64_t log, uint16_t type, uint16_t category, uint32_t id, void *user, uint16_t strings, uint32_t bytes, const char16_t **text, void *data)',
    ),
  } as const;

  return {
    ...bound,
    koffi,
    /** The error of the last call on this thread. */
    lastError: (): number => lastError() as number,
    failure: (call: string) => new WindowsError(call, lastError() as number),
    /** The address of a buffer. The caller must keep the buffer alive as long as Windows uses it. */
    address: (buffer: Buffer): bigint => BigInt(koffi.address(buffer)),
  };
}

/** The text of UTF-16 memory up to its NUL. */
export function wideText(bytes: Buffer): string {
  const text = bytes.toString('utf16le');
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

export const isHandle = (handle: Handle): boolean => handle !== -1 && handle !== -1n && handle !== 0 && handle !== 0n;
