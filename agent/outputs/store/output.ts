import { randomUUID } from 'node:crypto';
import { reasonOf } from '../../errors.ts';
import type { Position } from '../../events/position.ts';
import { formatOf } from '../../formats/choice.ts';
import type { Format } from '../../formats/format.ts';
import { identityOf } from '../../formats/identified.ts';
import { BATCH } from '../../store/limits.ts';
import { StoreThread } from '../../store/thread.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { TAKEN, type Batch, type Bookmark, type Outcome, type Output } from '../output.ts';
import type { StoreOutputConfig } from './kind.ts';

/** Events in a database on this machine. Position and events are one transaction, so neither is ahead of the other. */
export class StoreOutput implements Output {
  format: Format | undefined;
  readonly limits = BATCH;
  readonly bookmark: Bookmark;
  readonly #config: StoreOutputConfig;
  readonly #telemetry: Telemetry;
  #thread: StoreThread | undefined;
  #position: Position | undefined;
  /** The batch that was sent last: when its answer was lost, it is sent again under the same name. */
  #sent: { readonly batch: Batch; readonly token: string } | undefined;

  constructor(config: StoreOutputConfig, telemetry: Telemetry) {
    this.#config = config;
    this.#telemetry = telemetry;
    this.bookmark = {
      load: async () => this.#position,
      loadSeals: async () => this.#thread?.ask({ type: 'seals' }),
      commit: (position) => this.#commit(position),
    };
  }

  async open(): Promise<void> {
    const { folder, max_bytes: maxBytes, max_age: maxAgeMs, name } = this.#config;
    this.format ??= await formatOf('native', identityOf(name));
    const thread = new StoreThread(
      { folder, maxBytes, maxAgeMs },
      {
        damaged: (file, reason) => this.#telemetry.raise('StoreDamaged', { file, reason }),
        untidy: (reason) =>
          this.#telemetry.raiseRepeating('OutputFailed', `${name} ${reason}`, { output: name, reason }),
      },
    );
    try {
      this.#position = await thread.ask({ type: 'open' });
    } catch (error) {
      await thread.end();
      throw error;
    }
    this.#thread = thread;
  }

  async send(batch: Batch): Promise<Outcome> {
    if (this.#sent?.batch !== batch) this.#sent = { batch, token: randomUUID() };
    // Copies: the memory of the batch is used again, and what is handed to a thread is gone.
    const lines = new Uint8Array(batch.lines);
    const ends = Uint32Array.from({ length: batch.records }, (_, i) => batch.endOf(i));
    const { bootId, last } = batch;
    await this.#thread!.ask({ type: 'write', batch: { token: this.#sent.token, lines, ends, bootId, last } }, [
      lines.buffer,
      ends.buffer,
    ]);
    this.#sent = undefined;
    return TAKEN;
  }

  async #commit(position: Position): Promise<void> {
    try {
      await this.#thread?.ask({ type: 'commit', position });
    } catch (error) {
      const { name } = this.#config;
      const reason = reasonOf(error);
      this.#telemetry.raiseRepeating('PositionNotKept', `${name} ${reason}`, { output: name, reason });
    }
  }

  /** Records that were taken are in the files. */
  async flush(): Promise<void> {}

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    if (thread === undefined) return;
    try {
      await thread.ask({ type: 'close' });
    } finally {
      await thread.end();
    }
  }
}
