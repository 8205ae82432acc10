import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, linkSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fixture } from '../../support/fixtures.ts';
import { atEnd } from '../cleanup.ts';
import type { MemoryLoad } from './section.ts';

/** Execs of many images by many users, at a pace: test/fixtures/exec-crowd.c. */
export class Crowd {
  readonly load: MemoryLoad;
  readonly #folder: string;
  readonly #program: string;

  /** @param folder is made, with a link for each image; every user must be able to run programs in it */
  constructor(folder: string, load: MemoryLoad) {
    this.#folder = folder;
    this.load = load;
    this.#program = path.join(folder, 'shell');
    mkdirSync(folder);
    copyFileSync(fixture('exec-crowd'), this.#program);
    copyFileSync(fixture('no-op'), path.join(folder, '0'));
    for (let i = 1; i < load.images; i++) linkSync(path.join(folder, '0'), path.join(folder, String(i)));
  }

  /** Starts programs for so many seconds. @returns how many @throws when one could not be started */
  async run(seconds: number): Promise<number> {
    const { images, users, rate } = this.load;
    const args = [this.#folder, String(images), String(users), String(rate), String(seconds)];
    const child = spawn(this.#program, args, { cwd: '/', env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
    const forget = atEnd(() => child.kill('SIGKILL'));
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    const [code] = (await once(child, 'close')) as [number | null];
    forget();
    if (code !== 0) throw new Error(`the load ended with status ${code}`);
    return Number(text);
  }
}
