import type { Koffi } from '../../koffi.ts';

/** The library of Windows with the functions of event tracing. */
export const ETW_LIBRARY = 'advapi32.dll';

/** The functions of event tracing that the helper calls, for controlling a session and for reading it. */
export type EtwFunctions = ReturnType<typeof bindEtw>;

/** @param library ETW_LIBRARY, except in tests */
export function bindEtw(koffi: Koffi, library: string) {
  const etw = koffi.load(library);
  return {
    StartTraceW: etw.func(
      'uint32_t __stdcall StartTraceW(_Out_ uint64_t *handle, const char16_t *name, _Inout_ uint8_t *properties)',
    ),
    ControlTraceW: etw.func(
      'uint32_t __stdcall ControlTraceW(uint64_t handle, const char16_t *name, _Inout_ uint8_t *properties, uint32_t code)',
    ),
    EnableTraceEx2: etw.func(
      'uint32_t __stdcall EnableTraceEx2(uint64_t handle, const uint8_t *provider, uint32_t code, uint8_t level, uint64_t any, uint64_t all, uint32_t timeout, const uint8_t *parameters)',
    ),
    OpenTraceW: etw.func('uint64_t __stdcall OpenTraceW(_Inout_ uint8_t *logfile)'),
    ProcessTrace: etw.func(
      'uint32_t __stdcall ProcessTrace(const uint64_t *handles, uint32_t count, void *from, void *to)',
    ),
    CloseTrace: etw.func('uint32_t __stdcall CloseTrace(uint64_t handle)'),
  } as const;
}
