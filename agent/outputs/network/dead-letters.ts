import { reasonOf } from '../../errors.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { filePlace } from '../file/place.ts';
import type { Destination } from '../kind.ts';
import { RotatingFile } from '../file/rotating-file.ts';

export interface DeadLettersOptions {
  path: string;
  max_bytes: number;
  max_files: number;
}

/** The file of dead letters as a place that nothing else may write to. */
export function deadLetterPlace({ dead_letter: letters }: Record<string, unknown>): Destination | undefined {
  const path = (letters as { path?: unknown } | null | undefined)?.path;
  return typeof path === 'string' ? filePlace(path, 'dead_letter') : undefined;
}

/** Why a record was refused, and what the receiver said, as far as it is text. */
export interface Refusal {
  readonly reason: string;
  readonly reply?: string;
}

/**
 * The file of records that a receiver refused for good. Each line is an object: `time`, `output`, `reason`, `reply` where
 * there was one, and `event`, the record as it was sent.
 */
export class DeadLetters {
  readonly #file: RotatingFile | undefined;
  readonly #output: string;
  readonly #telemetry: Telemetry;

  /** @param options without them there is no file, and nothing is kept */
  constructor(output: string, options: DeadLettersOptions | undefined, telemetry: Telemetry) {
    this.#output = output;
    this.#telemetry = telemetry;
    if (options === undefined) return;
    const { path, max_bytes, max_files } = options;
    this.#file = new RotatingFile({ path, maxBytes: max_bytes, maxFiles: max_files });
  }

  /** @throws where the file cannot be made or written */
  async open(): Promise<void> {
    await this.#file?.open();
  }

  /**
   * Keeps a record. Never rejects: where the file cannot be written, the log says so.
   * @param line a JSON object with its newline
   */
  async bury(line: Buffer, refusal: Refusal): Promise<void> {
    try {
      await this.#append(line, refusal);
    } catch (error) {
      const reason = reasonOf(error);
      this.#telemetry.raiseRepeating('DeadLetterNotKept', `${this.#output} ${reason}`, {
        output: this.#output,
        reason,
      });
    }
  }

  async #append(line: Buffer, { reason, reply }: Refusal): Promise<void> {
    if (this.#file === undefined) return;
    const head = JSON.stringify({ time: new Date().toISOString(), output: this.#output, reason, reply });
    const { error } = await this.#file.append(
      Buffer.concat([Buffer.from(`${head.slice(0, -1)},"event":`), line.subarray(0, -1), Buffer.from('}\n')]),
    );
    if (error !== undefined) throw error;
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}
