import { createHash } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { VERSION } from '../../shared/version.ts';
import { HelperError } from '../errors.ts';
import type { Finding, Section } from './report.ts';

const MAX_MANIFEST_BYTES = 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;

/**
 * The SHA-256 of a file's content, in hexadecimal. Opens the file once; refuses a FIFO or device in its place instead
 * of waiting.
 * @throws {Error} when it cannot be read
 */
function hashOf(file: string): string {
  const hash = createHash('sha256');
  eachPiece(file, (piece) => hash.update(piece));
  return hash.digest('hex');
}

function eachPiece(file: string, take: (piece: Buffer) => void): void {
  const fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (!fstatSync(fd).isFile()) throw new Error(`${file} is not a file`);
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let bytes = readSync(fd, piece); bytes > 0; bytes = readSync(fd, piece)) take(piece.subarray(0, bytes));
  } finally {
    closeSync(fd);
  }
}

/**
 * Checks that the files of the helper are those of the release, and that only the machine's administrators can change
 * them.
 * @param requireTrusted returns the path that it checked, if that can be another one; throws, naming who else can
 * change the file
 * @param manifest of the release, to compare with
 * @returns also the files with another content than the release's, or none: loading one could end the audit
 */
export function auditFiles(
  names: readonly string[],
  requireTrusted: (file: string) => string | void,
  manifest: string | undefined,
): Section & { readonly changed: readonly string[] } {
  const findings: Finding[] = [];
  const changed: string[] = [];
  const shipped = manifest === undefined ? undefined : readManifest(manifest);
  const files = names.map((file) => {
    if (!existsSync(file)) {
      findings.push({ code: 'FILE_MISSING', message: `${file} is missing. Install the helper again.` });
      return { file, sha256: 'none' };
    }
    if (statSync(file).isDirectory()) {
      changed.push(file);
      findings.push({ code: 'FILE_MISSING', message: `${file} is a folder. Remove it, and install the helper again.` });
      return { file, sha256: 'none' };
    }
    let real = file;
    try {
      real = requireTrusted(file) ?? file;
    } catch (error) {
      findings.push({ code: 'FILE_UNSAFE', message: (error as Error).message.replace(/^HELPER_UNSAFE_FILE: /, '') });
    }
    const sha256 = hashOrReason(real);
    const expected = shipped?.files.get(path.basename(file));
    if (shipped !== undefined && expected !== sha256) {
      changed.push(file);
      findings.push({
        code: 'FILE_CHANGED',
        message: `${file} is not the shipped file: SHA-256 ${sha256}, in the manifest ${expected ?? 'not listed'}. Install the helper again.`,
      });
    }
    return { file, sha256 };
  });
  return {
    changed,
    title: 'files',
    facts: {
      version: VERSION,
      manifest: manifest ?? 'none given: pass --manifest FILE to compare with a release',
      manifest_sha256: shipped?.sha256 ?? 'none',
      files,
    },
    findings,
  };
}

/** The hash, or why there is none: a file that others can replace may be anything by now. */
export function hashOrReason(file: string): string {
  try {
    return hashOf(file);
  } catch (error) {
    return `none: ${(error as Error).message}`;
  }
}

/**
 * The entries of a manifest, and its own hash. It is opened once, so that both come from the same bytes even if someone
 * replaces it.
 */
function readManifest(file: string): { readonly files: ReadonlyMap<string, string>; readonly sha256: string } {
  try {
    const pieces: Buffer[] = [];
    let bytes = 0;
    eachPiece(file, (piece) => {
      bytes += piece.length;
      if (bytes > MAX_MANIFEST_BYTES) throw new Error(`larger than ${MAX_MANIFEST_BYTES} bytes`);
      pieces.push(Buffer.from(piece));
    });
    const content = Buffer.concat(pieces);
    const { files } = JSON.parse(content.toString()) as { files: Record<string, { sha256: string }> };
    return {
      files: new Map(Object.entries(files).map(([name, { sha256 }]) => [name, sha256])),
      sha256: createHash('sha256').update(content).digest('hex'),
    };
  } catch (cause) {
    throw new HelperError('HELPER_USAGE', `--manifest: cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
}
