import { reasonOf } from '../errors.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { connectNotifySocket, type NotifySocket } from './notify-socket.ts';
import { hindrancesOf, StatusLine, type Vitals } from './vitals.ts';

/** The longest time between two reports, in milliseconds. */
const REPORT_MS = 10_000;

/**
 * Reports to the service manager that started the agent (systemd), in the words of sd_notify(3): start, reload, stop, a status
 * line, and progress for its watchdog. Without one, or where it cannot be reached, it does nothing.
 */
export class ServiceManager {
  readonly #socket: NotifySocket | undefined;
  readonly #watchdogMs: number | undefined;
  readonly #telemetry: Telemetry;
  #timer: NodeJS.Timeout | undefined;

  /** @param environment of the process: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID */
  constructor(telemetry: Telemetry, environment: NodeJS.ProcessEnv = process.env) {
    this.#telemetry = telemetry;
    const address = environment['NOTIFY_SOCKET'] ?? '';
    if (process.platform !== 'linux' || address === '') return;
    this.#watchdogMs = watchdogMs(environment);
    try {
      this.#socket = connectNotifySocket(address);
    } catch (error) {
      telemetry.raise('ServiceManagerUnreachable', { socket: address, reason: reasonOf(error) });
    }
  }

  /** The configuration is in force. From here on reports progress, as long as there is some. */
  ready(vitals: Vitals): void {
    if (this.#socket === undefined) return;
    this.#socket.send('READY=1');
    if (this.#timer !== undefined) return;
    const status = new StatusLine();
    const report = (): void => {
      const hindrances = hindrancesOf(vitals);
      if (hindrances.length > 0) this.#telemetry.raiseRepeating('WatchdogWithheld', '', { reasons: hindrances });
      const alive = hindrances.length === 0 ? 'WATCHDOG=1\n' : '';
      this.#socket?.send(`${alive}STATUS=${status.of(vitals).replaceAll('\n', ' ')}`);
    };
    this.#timer = setInterval(report, Math.min(REPORT_MS, (this.#watchdogMs ?? Infinity) / 2)).unref();
    report();
  }

  /** The configuration is being read again; `ready` has to follow. */
  reloading(): void {
    // systemd takes the moment to tell this reload from an earlier one.
    this.#socket?.send(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  }

  stopping(): void {
    clearInterval(this.#timer);
    this.#socket?.send('STOPPING=1');
  }
}

/** How often the manager wants to hear of progress, in milliseconds: sd_watchdog_enabled(3). */
function watchdogMs({ WATCHDOG_USEC: interval, WATCHDOG_PID: pid }: NodeJS.ProcessEnv): number | undefined {
  if (pid !== undefined && pid !== String(process.pid)) return undefined;
  const ms = Number(interval) / 1000;
  return ms > 0 ? ms : undefined;
}
