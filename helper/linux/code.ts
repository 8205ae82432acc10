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
 * Checks that all code of this process comes from files that only root can have changed. Libraries that the loader took
 * from elsewhere have run already, but the helper goes no further.
 * @throws {HelperError} HELPER_UNSAFE_FILE
 */
export function requireTrustedCode(): void {
  for (const file of executableMappings('self')) if (file.startsWith('/')) requireTrusted(file);
}
