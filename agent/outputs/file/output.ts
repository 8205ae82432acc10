import type { Position } from '../../events/position.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import type { Output } from '../output.ts';
import type { FileOutputConfig } from './config.ts';
import { FileProgress } from './bookmark.ts';
import { RotatingFile } from './rotating-file.ts';

/** JSON lines in a rotating file, which says itself how far it got. */
export class FileOutput implements Output {
  readonly #progress: FileProgress;
  readonly #file: RotatingFile;

  constructor({ name, path, max_bytes, max_files }: FileOutputConfig, telemetry: Telemetry) {
    const progress = new FileProgress(path, {
      onUnknown: (reason) => telemetry.raise('PositionUnknown', { output: name, reason }),
      onNotKept: (reason) => telemetry.raiseRepeating('PositionNotKept', `${name} ${reason}`, { output: name, reason }),
    });
    this.#progress = progress;
    this.#file = new RotatingFile({
      path,
      maxBytes: max_bytes,
      maxFiles: max_files,
      isOurs: (inode) => progress.isOurs(inode),
      onReplaced: (old, next) => progress.fileReplaced(old, next),
      onUnfinishedLine: (bytes) => telemetry.raise('UnfinishedLineRemoved', { output: name, path, bytes }),
    });
  }

  get position(): Position | undefined {
    return this.#progress.position;
  }

  async open(): Promise<void> {
    await this.#progress.load();
    await this.#file.open();
    await this.#progress.find(this.#file.now);
  }

  begin(bootId: string, first: number): Promise<void> {
    return this.#progress.bootBegins(bootId, first, this.#file.now);
  }

  reached(bootId: string, last: number): Promise<void> {
    return this.#progress.reached(bootId, last, this.#file.now);
  }

  write(lines: Buffer): Promise<void> {
    return this.#file.append(lines);
  }

  flush(): Promise<void> {
    return this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
