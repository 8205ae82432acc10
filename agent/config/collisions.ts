import { withoutLinks } from '../files/without-links.ts';
import { placesOf } from '../outputs/kinds.ts';
import { STORE_NAME } from '../outputs/store/kind.ts';
import { formatAddress, parseAddress, parseLoopback, type Address } from '../server/address.ts';
import { DEFAULT_SOCKET } from './schema.ts';

interface Collision {
  path: PropertyKey[];
  message: string;
}

/**
 * Finds outputs that collide: two with the same name, or two that write to
 * the same place, the store counting as one; and two servers at one address. Checks the data before validation, so that collisions are
 * reported together with all other problems.
 */
export function findCollisions(data: unknown): Collision[] {
  const { outputs, spool, store, dashboard, control } = (data ?? {}) as Record<string, unknown>;
  const collisions: Collision[] = servedTwice(data);
  const folder = folderOf(store);
  if (folder !== undefined && folder === folderOf(spool))
    collisions.push({ path: ['store', 'folder'], message: 'it is the folder of the spool; the store needs its own' });
  if (dashboard !== undefined && control === undefined)
    collisions.push({
      path: ['dashboard'],
      message: 'it needs the control socket, which tells its clients the address of the page; add "control: {}"',
    });
  if (!Array.isArray(outputs)) return collisions;
  const byName = new Map<string, number>();
  const byDestination = new Map<string, number>();
  for (const [index, output] of outputs.entries()) {
    const name = (output as { name?: unknown } | null)?.name;
    if (name === STORE_NAME && store !== undefined)
      collisions.push({
        path: ['outputs', index, 'name'],
        message: `"${STORE_NAME}" is the name of the store; choose another`,
      });
    if (typeof name === 'string') {
      const other = byName.get(name);
      if (other === undefined) byName.set(name, index);
      else
        collisions.push({
          path: ['outputs', index, 'name'],
          message: `"${name}" is already the name of outputs[${other}]`,
        });
    }
    for (const { id, key } of placesOf(output)) {
      const other = byDestination.get(id);
      if (other === undefined) byDestination.set(id, index);
      else
        collisions.push({
          path: ['outputs', index, key],
          message: `outputs[${other}] already writes there; each place can have one output`,
        });
    }
  }
  return [...collisions, ...rotatedOver(outputs, byDestination)];
}

/** Outputs that write to a name that the file of another gets when it rotates, which would overwrite theirs. */
function rotatedOver(outputs: readonly unknown[], byDestination: ReadonlyMap<string, number>): Collision[] {
  return outputs.flatMap((output, index) =>
    placesOf(output).flatMap(({ rotatedFrom, key }) => {
      const other = rotatedFrom === undefined ? undefined : byDestination.get(rotatedFrom);
      if (other === undefined) return [];
      const message = `outputs[${other}] gives its older files such names, and would overwrite it; choose another`;
      return [{ path: ['outputs', index, key], message }];
    }),
  );
}

/** Of what listens, and of the helper's socket: the second of two at one address. */
function servedTwice(data: unknown): Collision[] {
  const byAddress = new Map<string, string>();
  return SERVED.flatMap(([section, key, read]) => {
    const found = (data as Record<string, Record<string, unknown> | null | undefined> | null)?.[section];
    const value = found?.[key] ?? (section === 'source' ? DEFAULT_SOCKET : undefined);
    const address = typeof value === 'string' ? read(value) : undefined;
    if (address === undefined || typeof address === 'string') return [];
    const id = address.kind === 'unix' ? withoutLinks(address.path) : formatAddress(address);
    const other = byAddress.get(id);
    if (other === undefined) byAddress.set(id, `${section}.${key}`);
    else return [{ path: [section, key], message: `it is the address of ${other}; choose another` }];
    return [];
  });
}

const unix = (path: string): Address => ({ kind: 'unix', path });

const SERVED: ReadonlyArray<readonly [section: string, key: string, read: (text: string) => Address | string]> = [
  ['source', 'socket', unix],
  ['control', 'socket', unix],
  ['metrics', 'listen', parseAddress],
  ['dashboard', 'listen', parseLoopback],
];

function folderOf(section: unknown): string | undefined {
  const folder = (section as { folder?: unknown } | null | undefined)?.folder;
  return typeof folder === 'string' ? withoutLinks(folder) : undefined;
}
