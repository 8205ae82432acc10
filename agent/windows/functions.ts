import { loadFfi } from '../ffi.ts';

let bound: ReturnType<typeof bind> | undefined;

/** The functions of Windows that the agent calls. Bound at first use. */
export function windowsFunctions(): ReturnType<typeof bind> {
  return (bound ??= bind());
}

function bind() {
  const ffi = loadFfi();
  const kernel = ffi.load('kernel32.dll');
  const advapi = ffi.load('advapi32.dll');
  const lastError = kernel.func('uint32_t __stdcall GetLastError()');
  return {
    ffi,
    lastError: (): number => lastError() as number,
    CreateFileW: kernel.func(
      'int64_t __stdcall CreateFileW(const char16_t *name, uint32_t access, uint32_t share, void *security, uint32_t disposition, uint32_t flags, int64_t template)',
    ),
    ReadFile: kernel.func(
      'bool __stdcall ReadFile(int64_t file, void *bytes, uint32_t length, void *read, void *overlapped)',
    ),
    GetOverlappedResult: kernel.func(
      'bool __stdcall GetOverlappedResult(int64_t file, void *overlapped, _Out_ uint32_t *bytes, bool wait)',
    ),
    CancelIoEx: kernel.func('bool __stdcall CancelIoEx(int64_t file, void *overlapped)'),
    CloseHandle: kernel.func('bool __stdcall CloseHandle(int64_t handle)'),
    LocalFree: kernel.func('void * __stdcall LocalFree(void *memory)'),
    GetSecurityInfo: advapi.func(
      'uint32_t __stdcall GetSecurityInfo(int64_t handle, uint32_t type, uint32_t parts, _Out_ void **owner, void *group, void *dacl, void *sacl, _Out_ void **descriptor)',
    ),
    ConvertSidToStringSidW: advapi.func('bool __stdcall ConvertSidToStringSidW(void *sid, _Out_ void **text)'),
    ConvertStringSidToSidW: advapi.func(
      'bool __stdcall ConvertStringSidToSidW(const char16_t *text, _Out_ void **sid)',
    ),
    LookupAccountSidW: advapi.func(
      'bool __stdcall LookupAccountSidW(void *system, void *sid, _Out_ uint8_t *name, _Inout_ uint32_t *nameCharacters, _Out_ uint8_t *domain, _Inout_ uint32_t *domainCharacters, _Out_ uint32_t *use)',
    ),
    RegisterEventSourceW: advapi.func('int64_t __stdcall RegisterEventSourceW(void *server, const char16_t *source)'),
    ReportEventW: advapi.func(
      'bool __stdcall ReportEventW(int64_t log, uint16_t type, uint16_t category, uint32_t id, void *user, uint16_t strings, uint32_t bytes, const char16_t **text, void *data)',
    ),
  } as const;
}
