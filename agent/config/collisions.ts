import { placesOf } from '../outputs/kinds.ts';

interface Collision {
  path: PropertyKey[];
  message: string;
}

/**
 * Finds outputs that collide: two with the same name, or two that write to
 * the same place. Checks the data before validation, so that collisions are
 * reported together with all other problems.
 */
export function findCollisions(data: unknown): Collision[] {
  const outputs = (data as { outputs?: unknown } | null | undefined)?.outputs;
  if (!Array.isArray(outputs)) return [];
  const collisions: Collision[] = [];
  const byName = new Map<string, number>();
  const byDestination = new Map<string, number>();
  for (const [index, output] of outputs.entries()) {
    const name = (output as { name?: unknown } | null)?.name;
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
  return collisions;
}
