import { execFileSync } from 'node:child_process';

/**
 * Compressed as Debian wants texts: the best level, without name and time. gzip does it, because the zlib of Node.js gives
 * other bytes on other processors.
 */
export function gzipped(text: string): Buffer {
  return execFileSync('gzip', ['-9', '-n', '-c'], { input: text });
}
