import { placesOf } from '../outputs/kinds.ts';

interface Collision {
  path: PropertyKey[];
  message: string;
}

/**
 * Outputs that get in each other's way: two of one name, or two that write to
 * one place. Looks at the data as read, so that it is reported together with
 * whatever else is wrong.
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
