import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Destination } from '../kind.ts';
import { rotatedFrom } from './rotated.ts';

/** A file as a place that one output alone may write to. @param key of the configuration that names it */
export function filePlace(path: string, key: string): Destination {
  const file = withoutLinks(path);
  const current = rotatedFrom(file);
  return { id: idOf(file), key, ...(current === undefined ? {} : { rotatedFrom: idOf(current) }) };
}

const idOf = (file: string): string => `file ${file}`;

/** The one spelling of a path: without links in its folder, as far as that is there. The file itself must be no link. */
function withoutLinks(path: string): string {
  const plain = resolve(path);
  try {
    return join(realpathSync(dirname(plain)), basename(plain));
  } catch {
    return plain;
  }
}
