/** The part of the FFI library that this file uses; each program passes in its own. */
export interface ServiceFfi {
  load(library: string): { func(declaration: string): ServiceFunction };
  proto(declaration: string): unknown;
  pointer(type: unknown): unknown;
  register(callback: (...args: never[]) => unknown, type: unknown): bigint;
  address(memory: Uint8Array): bigint;
}

interface ServiceFunction {
  (...args: unknown[]): unknown;
  async(...args: unknown[]): void;
}

/** SERVICE_STATUS, dwCurrentState. */
const STATE = { stopped: 1, startPending: 2, stopPending: 3, running: 4 } as const;
const CONTROL = { stop: 1, interrogate: 4, shutdown: 5, paramChange: 6 } as const;
const ACCEPT_STOP = 1;
const ACCEPT_SHUTDOWN = 4;
const ACCEPT_PARAM_CHANGE = 8;
const WIN32_OWN_PROCESS = 0x10;
const ERROR_CALL_NOT_IMPLEMENTED = 120;
const ERROR_SERVICE_SPECIFIC = 1066;
const STATUS_BYTES = 28;

/** Milliseconds that Windows is asked to wait while the service starts or stops. */
const PENDING_HINT_MS = 15_000;

export interface ServiceHandlers {
  /** Windows has started the service: do its work, then call `running`. */
  onStart(): void;
  /** Windows, or an administrator, wants it to end: end, then call `stopped`. */
  onStop(): void;
  /** `sc control NAME paramchange`: reload the configuration. */
  onReload?(): void;
}

/**
 * This process as a Windows service (winsvc.h): the only service in its process. The dispatcher runs in a thread of the
 * FFI library, and its callbacks in this one.
 */
export class WindowsService {
  readonly #name: string;
  readonly #setStatus: ServiceFunction;
  readonly #memory: readonly unknown[];
  #handle: unknown;
  #state: number = STATE.startPending;

  /**
   * Registers this process as the service that Windows started. Returns at once.
   * @param name the service's name
   * @param onRefused the process was not started as a service
   */
  constructor(ffi: ServiceFfi, name: string, { onStart, onStop, onReload }: ServiceHandlers, onRefused: () => void) {
    this.#name = name;
    const advapi = ffi.load('advapi32.dll');
    const mainType = ffi.pointer(ffi.proto('void __stdcall ServiceMain(uint32_t count, void *arguments)'));
    const handlerType = ffi.pointer(
      ffi.proto('uint32_t __stdcall HandlerEx(uint32_t control, uint32_t type, void *data, void *context)'),
    );
    const registerHandler = advapi.func(
      'void * __stdcall RegisterServiceCtrlHandlerExW(const char16_t *name, void *handler, void *context)',
    );
    const dispatch = advapi.func('bool __stdcall StartServiceCtrlDispatcherW(const uint8_t *table)');
    this.#setStatus = advapi.func('bool __stdcall SetServiceStatus(void *handle, const uint8_t *status)');

    const handler = ffi.register((control: number): number => {
      if (control === CONTROL.interrogate) return 0;
      if (control === CONTROL.paramChange && onReload !== undefined) {
        setImmediate(onReload);
        return 0;
      }
      if (control !== CONTROL.stop && control !== CONTROL.shutdown) return ERROR_CALL_NOT_IMPLEMENTED;
      this.#report(STATE.stopPending);
      setImmediate(onStop);
      return 0;
    }, handlerType);
    const main = ffi.register((): void => {
      this.#handle = registerHandler(name, handler, null);
      this.#report(STATE.startPending);
      setImmediate(onStart);
    }, mainType);

    // SERVICE_TABLE_ENTRYW: name and function, and an empty one as the end.
    const nameBytes = wide(name);
    const table = new Uint8Array(32);
    const view = new DataView(table.buffer);
    view.setBigUint64(0, BigInt(ffi.address(nameBytes)), true);
    view.setBigUint64(8, BigInt(main), true);
    // Windows uses them for as long as the service runs.
    this.#memory = [nameBytes, table, handler, main];
    dispatch.async(table, (error: unknown, taken: unknown) => {
      if (error !== null && error !== undefined) throw error;
      if (taken !== true) onRefused();
    });
  }

  get name(): string {
    return this.#name;
  }

  /** Memory that Windows holds pointers to. */
  get memory(): readonly unknown[] {
    return this.#memory;
  }

  running(): void {
    if (this.#state === STATE.startPending) this.#report(STATE.running);
  }

  /**
   * The last report. A code other than 0 means that the service failed; Windows then does what is configured for that.
   */
  stopped(exitCode: number): void {
    this.#report(STATE.stopped, exitCode);
  }

  #report(state: number, exitCode = 0): void {
    this.#state = state;
    if (this.#handle === undefined || this.#handle === null) return;
    const status = new DataView(new ArrayBuffer(STATUS_BYTES));
    const fields = [
      WIN32_OWN_PROCESS,
      state,
      state === STATE.running ? ACCEPT_STOP | ACCEPT_SHUTDOWN | ACCEPT_PARAM_CHANGE : 0,
      exitCode === 0 ? 0 : ERROR_SERVICE_SPECIFIC,
      exitCode,
      0,
      state === STATE.startPending || state === STATE.stopPending ? PENDING_HINT_MS : 0,
    ];
    fields.forEach((field, i) => status.setUint32(4 * i, field, true));
    this.#setStatus(this.#handle, new Uint8Array(status.buffer));
  }
}

/** UTF-16 with its NUL. */
function wide(text: string): Uint8Array {
  const units = Uint16Array.from([...Array(text.length).keys()].map((i) => text.charCodeAt(i)).concat(0));
  return new Uint8Array(units.buffer);
}
