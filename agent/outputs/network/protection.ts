import type { Telemetry } from '../../telemetry/telemetry.ts';
import type { TlsConfig } from './config.ts';

/** Says once, when an output is used, that others can read or take what it sends. */
export class Protection {
  readonly #telemetry: Telemetry;
  readonly #output: string;
  #told = false;

  constructor(telemetry: Telemetry, output: string) {
    this.#telemetry = telemetry;
    this.#output = output;
  }

  /**
   * @param plain why a connection is not encrypted that leaves this machine; undefined where all of them are
   * @returns whether this is the first time
   */
  check(tls: TlsConfig | undefined, plain: string | undefined): boolean {
    if (this.#told) return false;
    this.#told = true;
    const reason = tls?.verify === false ? 'tls.verify is false: whoever answers gets the events' : plain;
    if (reason !== undefined) this.#telemetry.raise('OutputUnprotected', { output: this.#output, reason });
    return true;
  }
}
