import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { VERSION } from '../../shared/version.ts';
import { HelperError } from '../errors.ts';
import type { Finding, Section } from './report.ts';

/** Of a file's content, in hexadecimal. */
export function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/**
 * Whether the files of the helper are those of the release, and nobody but the machine's rulers can change them.
 * @param requireTrusted throws, naming who else can change a file
 * @param manifest of the release, to compare with
 */
export function auditFiles(
  names: readonly string[],
  requireTrusted: (file: string) => void,
  manifest: string | undefined,
): Section {
  const findings: Finding[] = [];
  const shipped = manifest === undefined ? undefined : readManifest(manifest);
  const files = names.map((file) => {
    if (!existsSync(file)) {
      findings.push({ code: 'FILE_MISSING', message: `${file} is missing. Install the helper again.` });
      return { file, sha256: 'none' };
    }
    try {
      requireTrusted(file);
    } catch (error) {
      findings.push({ code: 'FILE_UNSAFE', message: (error as Error).message.replace(/^HELPER_UNSAFE_FILE: /, '') });
    }
    const sha256 = hashOf(file);
    const expected = shipped?.get(path.basename(file));
    if (shipped !== undefined && expected !== sha256) {
      findings.push({
        code: 'FILE_CHANGED',
        message: `${file} is not the file that was shipped: SHA-256 ${sha256}, in the manifest ${expected ?? 'not listed'}. Install the helper again.`,
      });
    }
    return { file, sha256 };
  });
  return {
    title: 'files',
    facts: {
      version: VERSION,
      manifest: manifest ?? 'none given: pass --manifest FILE to compare with a release',
      files,
    },
    findings,
  };
}

function readManifest(file: string): Map<string, string> {
  try {
    const { files } = JSON.parse(readFileSync(file, 'utf8')) as { files: Record<string, { sha256: string }> };
    return new Map(Object.entries(files).map(([name, { sha256 }]) => [name, sha256]));
  } catch (cause) {
    throw new HelperError('HELPER_USAGE', `--manifest: cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
}
