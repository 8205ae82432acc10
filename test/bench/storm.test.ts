import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { fixture } from '../support/fixtures.ts';
import { SHAPES, Storms } from './storm.ts';

/** A folder with a program that notes its arguments. */
class Scene implements Disposable {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'probes-storm-'));
  readonly program = path.join(this.folder, 'noting');
  readonly #notes = path.join(this.folder, 'notes');

  constructor() {
    writeFileSync(this.program, `#!/bin/sh\necho "$@" >> ${this.#notes}\n`);
    chmodSync(this.program, 0o755);
  }

  get started(): string[] {
    return readFileSync(this.#notes, 'utf8').trimEnd().split('\n');
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

test('a paced storm starts every program once, no sooner than at its rate, and leaves its waits out', (t) => {
  using scene = new Scene();
  const begin = performance.now();
  const run = spawnSync(fixture('exec-storm'), ['-r', '50', scene.program, '11', '1', 'mark'], { encoding: 'utf8' });
  const elapsedMs = performance.now() - begin;
  t.is(run.status, 0, run.stderr);
  t.deepEqual(
    scene.started,
    Array.from({ length: 11 }, (_, i) => `0 ${i} mark`),
  );
  // Ten intervals of 20 ms.
  t.true(elapsedMs >= 200, `${elapsedMs} ms`);
  const workedMs = Number(run.stdout) / 1e6;
  t.true(workedMs > 0 && workedMs < elapsedMs, `${workedMs} of ${elapsedMs} ms`);
});

test('two paced workers share the programs', (t) => {
  using scene = new Scene();
  const run = spawnSync(fixture('exec-storm'), ['-r', '1000', scene.program, '5', '2'], { encoding: 'utf8' });
  t.is(run.status, 0, run.stderr);
  t.deepEqual(scene.started.toSorted(), ['0 0', '0 1', '0 2', '1 0', '1 1']);
});

for (const rate of ['0', '-1', 'x', '1000001']) {
  test(`a rate of ${rate} is refused, and nothing is started`, (t) => {
    using scene = new Scene();
    const run = spawnSync(fixture('exec-storm'), ['-r', rate, scene.program, '3', '1'], { encoding: 'utf8' });
    t.is(run.status, 2);
    t.regex(run.stderr, /^usage: /);
    t.throws(() => scene.started, { code: 'ENOENT' });
  });
}

test('a shape with a rate is run at that rate, and takes some seconds by default', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'probes-storm-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const storms = new Storms(folder);
  const paced = SHAPES.filter(({ rate }) => rate !== undefined);
  t.deepEqual(
    paced.map(({ id, rate }) => [id, rate]),
    [
      ['paced-100', 100],
      ['paced-1600', 1600],
    ],
  );
  for (const shape of paced) {
    const seconds = storms.plan(shape, 10_000).execs / (shape.rate! * shape.workers);
    t.true(seconds >= 2 && seconds <= 10, `${shape.id}: ${seconds} s`);
  }
  const shape = paced[0]!;
  const begin = performance.now();
  const { elapsed } = await storms.run({ ...storms.plan(shape, 0), execs: 6 });
  const elapsedMs = performance.now() - begin;
  t.true(elapsedMs >= 50, `${elapsedMs} ms`);
  t.true(elapsed > 0 && elapsed / 1e6 < elapsedMs);
});
