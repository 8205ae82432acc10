import type { Item } from '../../item.ts';
import type { Output } from '../output.ts';
import type { FileOutputConfig } from './config.ts';
import { RotatingFile } from './rotating-file.ts';

/** JSON lines in a rotating file. */
export class FileOutput implements Output {
  readonly #file: RotatingFile;

  constructor(config: FileOutputConfig) {
    this.#file = new RotatingFile({ path: config.path, maxBytes: config.max_bytes, maxFiles: config.max_files });
  }

  open(): Promise<void> {
    return this.#file.open();
  }

  encode(item: Item): string {
    return item.line;
  }

  write(records: readonly string[]): Promise<void> {
    return this.#file.append(records);
  }

  flush(): Promise<void> {
    return this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
