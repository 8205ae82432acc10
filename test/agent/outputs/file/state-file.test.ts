import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { loadState, saveState, statePathOf, type FileState } from '../../../../agent/outputs/file/state-file.ts';

/** Calls `use` with the path of a log in a folder of its own. */
async function inFolder(use: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'state-'));
  try {
    await use(join(folder, 'events.jsonl'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const STATE: FileState = {
  boot_id: '3f0c4d7e5b0a4f6e9a531d1c8a1f0e11',
  inode: 1234,
  from: 100,
  after: 70,
  reached: { last: 900, size: 4000 },
};

test('no bit that is wrong, and no byte that is missing or doubled, makes another state of a state', async (t) => {
  await inFolder(async (path) => {
    await saveState(path, STATE);
    t.deepEqual(await loadState(path), { state: STATE });
    const file = statePathOf(path);
    const whole = readFileSync(file);
    let refused = 0;
    for (let at = 0; at < whole.length; at++) {
      const flipped = Array.from({ length: 8 }, (_, bit) => {
        const bytes = Buffer.from(whole);
        bytes[at]! ^= 1 << bit;
        return bytes;
      });
      const [head, tail] = [whole.subarray(0, at), whole.subarray(at + 1)];
      const harms = [
        ...flipped,
        head,
        Buffer.concat([head, tail]),
        Buffer.concat([head, whole.subarray(at, at + 1), whole.subarray(at)]),
      ];
      for (const bytes of harms) {
        writeFileSync(file, bytes);
        const { state, problem } = await loadState(path);
        if (problem === undefined) t.deepEqual(state, STATE, bytes.toString());
        else refused++;
      }
    }
    t.true(refused > 1000);
  });
});

test('a state of an older version, which has no checksum, is read', async (t) => {
  await inFolder(async (path) => {
    writeFileSync(statePathOf(path), JSON.stringify(STATE));
    t.deepEqual(await loadState(path), { state: STATE });
  });
});
