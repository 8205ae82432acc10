// Runs a script of this project with the Node.js that the project brings, after
// installing what is missing. Plain JavaScript without dependencies, because it
// is the one file that the system's own, older Node.js has to read.
//
//   node scripts/with-node.mjs scripts/start.ts [arguments]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..');
const node = path.join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');

/** Whether node_modules is what the lockfile asks for: the lockfile is copied inside after each install. */
function installed() {
  const mark = path.join(root, 'node_modules', '.platform-probes-lock');
  return existsSync(node) && existsSync(mark) && readFileSync(mark, 'utf8') === readFileSync(path.join(root, 'package-lock.json'), 'utf8');
}

if (!installed()) {
  console.error('Installing the packages of package-lock.json into node_modules …');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) {
    console.error('npm ci failed; its message is above. The npm registry must be reachable for the first run.');
    process.exit(npm.status ?? 1);
  }
  if (!existsSync(node)) {
    console.error(`No Node.js 24 package for ${process.platform} ${process.arch}. Linux x64 and arm64 and Windows x64 have one.`);
    process.exit(1);
  }
  const { writeFileSync } = await import('node:fs');
  writeFileSync(path.join(root, 'node_modules', '.platform-probes-lock'), readFileSync(path.join(root, 'package-lock.json')));
}

const [script, ...rest] = process.argv.slice(2);
if (script === undefined) {
  console.error('usage: node scripts/with-node.mjs SCRIPT [ARGUMENT...]');
  process.exit(2);
}
const child = spawn(node, [path.resolve(root, script), ...rest], { stdio: 'inherit' });
// The terminal sends Ctrl-C to the whole group; the child decides when to end.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
