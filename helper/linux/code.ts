import { readFileSync } from 'node:fs';
import { requireTrusted } from '../unix/trusted-files.ts';

/** Every file that a process can execute code from, by its memory map; other memory by its name, or `anonymous`. */
export function executableMappings(pid: number | 'self'): string[] {
  const mapped = readFileSync(`/proc/${pid}/maps`, 'latin1')
    .split('\n')
    .map((line) => /^\S+ ..x. \S+ \S+ \S+\s*(.*)$/.exec(line)?.[1])
    .filter((file): file is string => file !== undefined && file !== '[vdso]' && file !== '[vsyscall]');
  return [...new Set(mapped.map((file) => file || 'anonymous'))];
}

/**
 * Demands that all code of this process is from files that root alone can have changed: what the
 * loader took in, by whatever it was told, has run already, but goes no further.
 * @throws {HelperError} HELPER_UNSAFE_FILE
 */
export function requireTrustedCode(): void {
  for (const file of executableMappings('self')) if (file.startsWith('/')) requireTrusted(file);
}
