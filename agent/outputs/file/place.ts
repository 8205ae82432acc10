import { withoutLinks } from '../../files/without-links.ts';
import type { Destination } from '../kind.ts';
import { rotatedFrom } from './rotated.ts';

/** A file as a place that one output alone may write to. @param key of the configuration that names it */
export function filePlace(path: string, key: string): Destination {
  const file = withoutLinks(path);
  const current = rotatedFrom(file);
  return { id: idOf(file), key, ...(current === undefined ? {} : { rotatedFrom: idOf(current) }) };
}

const idOf = (file: string): string => `file ${file}`;
