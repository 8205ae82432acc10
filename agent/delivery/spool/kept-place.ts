import { reasonOf } from '../../errors.ts';
import type { SealState } from '../../events/seal-state.ts';
import { CursorFile, type CursorState } from './cursor-file.ts';
import { cursorPath } from './folder.ts';
import type { Place } from './place.ts';
import type { SpoolState } from './state.ts';

/** A place in the spool, and the output's seals as of it. */
interface PlaceAndSeals {
  readonly place?: Place | undefined;
  readonly seals?: SealState | undefined;
}

/** The place that an output remembers in its file. Writes come one after the other, and only where something changed. */
export class KeptPlace {
  readonly #name: string;
  readonly #spool: SpoolState;
  readonly #file: CursorFile;
  /** The newest place in the file; and the newest that survives a crash of the machine. */
  #saved: string | undefined;
  #synced: string | undefined;
  #keeping: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /** @param name of the output */
  constructor(name: string, spool: SpoolState) {
    this.#name = name;
    this.#spool = spool;
    this.#file = new CursorFile(cursorPath(spool.folder, name));
  }

  /**
   * Reads the place, which may be ahead of what a crash of the machine left of the spool. Never rejects.
   * @param isNeeded whether a place that cannot be used is worth a warning
   * @returns empty without a place, and where it cannot be used
   */
  async load(isNeeded: boolean): Promise<PlaceAndSeals> {
    const { state: found, problem } = await this.#file.load();
    const doubt = problem ?? (found === undefined ? undefined : doubtOf(found, this.#spool));
    if (doubt === undefined) return { place: found?.place, seals: found?.seals };
    if (isNeeded) this.#spool.telemetry.raise('SpoolCursorUnknown', { output: this.#name, reason: doubt });
    return {};
  }

  /**
   * Writes a place. Waits for no records. Never rejects: a failed write raises an event.
   * @param sync whether it has to survive a crash of the machine
   * @param sealsNow gives the seals as of the moment of the write
   * @returns false where it is there already
   */
  keep(place: Place, sync: boolean, sealsNow: () => SealState | undefined): Promise<boolean> {
    const kept = this.#keeping.then(() => this.#write(place, sync, sealsNow()));
    this.#keeping = kept;
    return kept;
  }

  async #write(place: Place, sync: boolean, seals: SealState | undefined): Promise<boolean> {
    if (this.#isClosed) return false;
    const { id: spoolId, synced: syncedTo, telemetry } = this.#spool;
    const synced = Math.min(syncedTo, place.ordinal);
    const key = `${place.ordinal} ${synced} ${seals?.seal} ${seals?.lines}`;
    if (key === (sync ? this.#synced : this.#saved)) return false;
    try {
      if (key !== this.#saved) await this.#file.save({ spoolId, place, synced, seals });
      this.#saved = key;
      if (sync) {
        await this.#file.sync();
        this.#synced = key;
      }
    } catch (error) {
      // Linux forgets what it could not force to disk: it has to be written again.
      this.#saved = undefined;
      telemetry.raiseRepeating('PositionNotKept', this.#name, { output: this.#name, reason: reasonOf(error) });
    }
    return true;
  }

  /** Waits for the last write. Nothing is written afterwards. Never rejects. */
  async close(): Promise<void> {
    await this.#keeping;
    this.#isClosed = true;
    await this.#file.close().catch(() => undefined);
  }
}

/** Why a remembered place cannot be used; undefined when it can. */
function doubtOf({ spoolId, place, synced }: CursorState, spool: SpoolState): string | undefined {
  if (spoolId !== spool.id) return 'it is a place in another spool';
  if (place.ordinal <= spool.opened.ordinal && synced <= spool.recoveredTo) return undefined;
  return `it is at record ${place.ordinal}, and the spool ended before ${spool.recoveredTo}`;
}
