import { createHash } from 'node:crypto';

/** UTF-16 units of the longest text that stands for itself. A command line can have megabytes. */
const LONGEST = 256;

/**
 * A short text that stands for a JSON value in memory, equal for equal ones: the text itself, or its digest.
 * @param json fresh from `JSON.stringify`: a part of another text would keep all of that in memory
 */
export function shortKey(json: string): string {
  return json.length <= LONGEST ? json : createHash('sha256').update(json).digest('base64');
}
