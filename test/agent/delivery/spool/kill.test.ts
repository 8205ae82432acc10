import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { TemporaryFolder } from './support.ts';

const CHILD = join(import.meta.dirname, 'child.ts');
const ROUNDS = Number(process.env['SPOOL_KILLS'] ?? 20);

/** The batches that an output got so far. */
function batches(path: string): number[][] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' ').map(Number));
}

for (const sync of ['batch', '20']) {
  test.serial(
    `sync ${sync}: an agent that is killed ${ROUNDS} times loses nothing, and repeats the last batch at most`,
    async (t) => {
      using folder = new TemporaryFolder();
      const received = join(folder.root, 'received');
      mkdirSync(received);
      const counts = { fast: 0, slow: 0 };
      let repeated = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const child = spawn(process.execPath, ['--import=tsx', CHILD, folder.spool, received, sync], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const ended = once(child, 'exit');
        const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
        const { surprising } = JSON.parse(line) as { surprising: unknown[] };
        t.deepEqual(surprising, [], `round ${round}`);
        await delay(20 + Math.random() * 200);
        child.kill('SIGKILL');
        await ended;
        for (const name of ['fast', 'slow'] as const) {
          const all = batches(join(received, name));
          const before = all.slice(0, counts[name]);
          const fresh = all.slice(counts[name]).flat();
          counts[name] = all.length;
          if (fresh.length === 0) continue;
          const lastBatch = before.at(-1) ?? [0];
          // Goes on right after what was there, or repeats the batch whose end it did not note down any more.
          t.true(
            [lastBatch[0], lastBatch.at(-1)! + 1].includes(fresh[0]!),
            `${name}: ${fresh[0]} after ${lastBatch.join(' ')}`,
          );
          if (fresh[0] === lastBatch[0]) repeated++;
          t.true(
            fresh.every((number, i) => number === fresh[0]! + i),
            `${name}: a hole or a repetition within round ${round}`,
          );
        }
      }
      t.log(`${counts.fast} and ${counts.slow} batches, ${repeated} repeated`);
      t.true(counts.fast > ROUNDS && counts.slow > ROUNDS);
    },
  );
}
