import { formatOf } from '../../formats/choice.ts';
import type { FormatName } from '../../formats/config.ts';
import { identityOf } from '../../formats/identified.ts';
import type { Format } from '../../formats/format.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { TAKEN, type Batch, type Bookmark, type Outcome, type Output } from '../output.ts';
import { FileBookmark } from './bookmark.ts';
import { saysWhoItIsFrom, type FileOutputConfig } from './config.ts';
import { RotatingFile } from './rotating-file.ts';

/** JSON lines in a rotating file, which says itself how far it got. */
export class FileOutput implements Output {
  format: Format | undefined;
  readonly bookmark: Bookmark;
  /** The stream's name, where lines say who they are from. */
  readonly #stream: string | undefined;
  readonly #formatName: FormatName;
  readonly #bookmark: FileBookmark;
  readonly #file: RotatingFile;

  constructor(config: FileOutputConfig, telemetry: Telemetry) {
    const { name, path, format, max_bytes, max_files } = config;
    this.#stream = saysWhoItIsFrom(config) ? name : undefined;
    this.#formatName = format;
    const bookmark = new FileBookmark(path, {
      file: () => this.#file.now,
      onUnknown: (reason) => telemetry.raise('PositionUnknown', { output: name, reason }),
      onNotKept: (reason) => telemetry.raiseRepeating('PositionNotKept', `${name} ${reason}`, { output: name, reason }),
    });
    this.bookmark = bookmark;
    this.#bookmark = bookmark;
    this.#file = new RotatingFile({
      path,
      maxBytes: max_bytes,
      maxFiles: max_files,
      isOurs: (inode) => bookmark.isOurs(inode),
      onReplaced: (old, next) => bookmark.fileReplaced(old, next),
      onTruncated: (rewritten, complete) =>
        telemetry.raise(complete ? 'FileTruncated' : 'FileTruncatedLossy', { output: name, path, rewritten }),
      onUnfinishedLine: (bytes) => telemetry.raise('UnfinishedLineRemoved', { output: name, path, bytes }),
    });
  }

  async open(): Promise<void> {
    if (this.#stream !== undefined) this.format ??= await formatOf(this.#formatName, identityOf(this.#stream));
    await this.#bookmark.read();
    await this.#file.open();
  }

  async send(batch: Batch): Promise<Outcome> {
    const told = this.#bookmark.follows(batch);
    if (told !== undefined) await told;
    const { written, error } = await this.#file.append(batch.lines);
    if (error === undefined) return TAKEN;
    return { kind: 'retry', reason: error.message, taken: recordsWithin(batch, written), reopen: true };
  }

  flush(): Promise<void> {
    return this.#file.sync();
  }

  async close(): Promise<void> {
    this.#bookmark.fileClosed();
    await this.#file.close();
  }
}

/** How many records the first `bytes` bytes hold. */
function recordsWithin(batch: Batch, bytes: number): number {
  let records = 0;
  while (records < batch.records && batch.endOf(records) <= bytes) records++;
  return records;
}
