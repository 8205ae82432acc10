import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, lchownSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { connectToHelper, PRODUCT_TRUST } from '../../../agent/source/connect.ts';
import { systemCode } from '../../../agent/errors.ts';
import { FakeHelper } from '../../support/fake-helper.ts';
import { fixture } from '../../support/fixtures.ts';
import { endWithUs } from '../../support/reaper.ts';
import { rootTest } from '../../support/requirements.ts';

const IMPOSTOR_UID = 4242;
const ROUNDS = 40;

/** A folder that everyone can enter, in which the impostor has one that is its own. */
class Place implements AsyncDisposable {
  readonly #helper = new FakeHelper();
  readonly folder = mkdtempSync('/var/tmp/probes-impostor-');
  readonly own = path.join(this.folder, 'own');
  /** Where the impostor serves. */
  readonly evil = path.join(this.own, 'evil');
  /** Root's, as the helper makes it. */
  readonly good = path.join(this.folder, 'good');
  readonly #impostors: ChildProcess[] = [];

  constructor() {
    chmodSync(this.folder, 0o755);
    mkdirSync(this.good, { mode: 0o750 });
    mkdirSync(this.own);
    chownSync(this.own, IMPOSTOR_UID, IMPOSTOR_UID);
  }

  async impostor(folder: string, ...turning: string[]): Promise<void> {
    const child = spawn(fixture('impostor'), [String(IMPOSTOR_UID), folder, ...turning], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    endWithUs(child);
    this.#impostors.push(child);
    await once(child.stdout, 'data');
  }

  /** Serves in the good folder, as root. */
  async helper(): Promise<void> {
    await this.#helper.listen();
    renameSync(this.#helper.socketPath, path.join(this.good, 'events.sock'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#helper[Symbol.asyncDispose]();
    for (const child of this.#impostors) {
      child.stdin?.end();
      if (child.exitCode === null) await once(child, 'exit');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The first answer of a connection: text, or the code of an error. */
async function firstOf(socketPath: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const memory = Buffer.alloc(65_536);
  try {
    const connection = connectToHelper(socketPath, PRODUCT_TRUST, () => memory, {
      onBytes(bytes) {
        resolve(memory.toString('latin1', 0, bytes));
        return false;
      },
      onError: (error) => resolve(systemCode(error) ?? error.message),
      onClose: () => resolve('closed'),
    });
    const first = await promise;
    connection.destroy();
    return first;
  } catch (error) {
    return systemCode(error) ?? String(error);
  }
}

const kindOf = (first: string): string => (first.startsWith('{"type":"hello"') ? 'helper' : first.slice(0, 40));

rootTest('a link that another user turns all the time never leads the agent to that user', async (t) => {
  await using place = new Place();
  await place.helper();
  const link = path.join(place.own, 'link');
  await place.impostor(place.evil, link, place.good);
  const seen = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const kind = kindOf(await firstOf(path.join(link, 'events.sock')));
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
  }
  t.deepEqual([...seen], [['HELPER_SOCKET_UNSAFE', ROUNDS]]);
});

rootTest('nor does a link of that user in a folder where everyone may make links', async (t) => {
  await using place = new Place();
  await place.helper();
  const shared = path.join(place.folder, 'shared');
  mkdirSync(shared);
  chmodSync(shared, 0o1777);
  await place.impostor(place.evil, path.join(shared, 'link'), place.good);
  const seen = new Set<string>();
  for (let round = 0; round < ROUNDS; round++)
    seen.add(kindOf(await firstOf(path.join(shared, 'link', 'events.sock'))));
  t.deepEqual([...seen], ['HELPER_SOCKET_UNSAFE']);
});

rootTest("a link of root's is followed, as long as nobody else's is behind it", async (t) => {
  await using place = new Place();
  await place.helper();
  await place.impostor(place.evil);
  const link = path.join(place.folder, 'link');
  symlinkSync('good', link);
  t.is(kindOf(await firstOf(path.join(link, 'events.sock'))), 'helper');
  rmSync(link);
  symlinkSync('own/back', link);
  symlinkSync('../good', path.join(place.own, 'back'));
  t.is(await firstOf(path.join(link, 'events.sock')), 'HELPER_SOCKET_UNSAFE', 'in a folder of another user');
  rmSync(link);
  symlinkSync('good', link);
  lchownSync(link, IMPOSTOR_UID, IMPOSTOR_UID);
  t.is(await firstOf(path.join(link, 'events.sock')), 'HELPER_SOCKET_UNSAFE', 'of another user in a folder of root');
});

rootTest('a folder of root in a folder of another user, who may rename it, is refused', async (t) => {
  await using place = new Place();
  await place.helper();
  const inside = path.join(place.own, 'run');
  renameSync(place.good, inside);
  t.is(await firstOf(path.join(inside, 'events.sock')), 'HELPER_SOCKET_UNSAFE');
});

rootTest(
  'who serves the socket is asked of the kernel, whatever its file and folder say; no byte is read',
  async (t) => {
    await using place = new Place();
    await place.impostor(place.evil);
    const socket = path.join(place.good, 'events.sock');
    renameSync(path.join(place.evil, 'events.sock'), socket);
    t.is(await firstOf(socket), 'HELPER_SOCKET_UNSAFE', "the file is still the other user's");
    chownSync(socket, 0, 0);
    t.is(await firstOf(socket), 'HELPER_SOCKET_UNSAFE');
  },
);
