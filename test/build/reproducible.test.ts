import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';

import { built, bundledSources, manifestOf, runScript } from '../support/build.ts';
import { ROOT } from '../support/repository.ts';

test('a build in another checkout, at another path, gives the same bytes', (t) => {
  const scratch = mkdtempSync(path.join(tmpdir(), 'platform-probes-twin-'));
  t.teardown(() => rmSync(scratch, { recursive: true, force: true }));
  const twin = path.join(scratch, 'a longer path', 'twin');
  mkdirSync(twin, { recursive: true });
  for (const name of ['helper', 'agent', 'shared', 'bpf', 'installers', 'scripts', 'package.json', 'tsconfig.json']) {
    cpSync(path.join(ROOT, name), path.join(twin, name), { recursive: true });
  }
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(twin, 'node_modules'));

  runScript(twin, 'build.ts');
  runScript(ROOT, 'build.ts');
  t.deepEqual(manifestOf(twin), manifestOf(ROOT));
});

test('the manifest holds size and SHA-256 of every file, sorted, and ends in a newline', (t) => {
  const text = readFileSync(built('manifest.json'), 'utf8');
  const { files } = manifestOf(ROOT);
  t.deepEqual(Object.keys(files), ['exec.bpf.o', 'koffi.node', 'probes-agent', 'probes-helper']);
  for (const [name, { sha256, size }] of Object.entries(files)) {
    const bytes = readFileSync(built(name));
    t.is(size, bytes.length);
    t.is(sha256, createHash('sha256').update(bytes).digest('hex'), name);
  }
  t.true(text.endsWith('}\n'));
});

test('the helper is made of helper/ and shared/ alone: no npm package is in it', (t) => {
  const sources = bundledSources('probes-helper');
  t.true(sources.includes('helper/main.ts'));
  t.deepEqual(
    sources.filter((file) => !/^(?:helper|shared)\//u.test(file)),
    [],
  );
});

test('nothing of the helper is in the agent, nor is the FFI library', (t) => {
  const sources = bundledSources('probes-agent');
  t.true(sources.includes('agent/main.ts'));
  t.deepEqual(
    sources.filter((file) => /^helper\/|koffi|koromix/u.test(file)),
    [],
  );
});
