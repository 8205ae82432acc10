import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf, systemCode } from '../errors.ts';
import type { RuleFile } from '../rules/load.ts';
import { MAX_RULE_BYTES, MAX_RULE_DEPTH, MAX_RULE_FILE_BYTES, MAX_RULE_FILES } from './limits.ts';

/** A folder of rules that cannot be used as it is. */
export class RuleFolderError extends Error {
  override readonly name = 'RuleFolderError';
  /** The folder as it was asked for. */
  readonly folder: string;

  constructor(folder: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.folder = folder;
  }
}

/** What folders of rules hold. */
export interface RuleFolders {
  /** In the order of their paths, folder by folder. */
  readonly files: readonly RuleFile[];
  /** The folders themselves and those inside: where a change can happen. */
  readonly folders: readonly string[];
}

/**
 * Reads every rule file in these folders and below. Names that begin with a dot are passed over, as are all but `.yml` and `.yaml`; links are followed.
 * @throws {RuleFolderError} when a folder or file cannot be read, or there is more than the limits allow
 */
export function readRuleFolders(paths: readonly string[]): RuleFolders {
  const found = { files: [] as RuleFile[], folders: [] as string[], bytes: 0 };
  for (const root of paths) {
    try {
      walk(root, 0, found);
    } catch (error) {
      throw new RuleFolderError(root, explain(error, root), { cause: error });
    }
  }
  return found;
}

function walk(folder: string, depth: number, found: { files: RuleFile[]; folders: string[]; bytes: number }): void {
  if (depth > MAX_RULE_DEPTH) throw new Error(`${folder} lies deeper than ${MAX_RULE_DEPTH} folders; is there a link that leads back?`);
  found.folders.push(folder);
  for (const name of readdirSync(folder).sort()) {
    if (name.startsWith('.')) continue;
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats?.isDirectory() === true) walk(path, depth + 1, found);
    else if (stats?.isFile() === true && /\.ya?ml$/i.test(name)) {
      if (found.files.length >= MAX_RULE_FILES) throw new Error(`more than ${MAX_RULE_FILES} rule files`);
      const text = readBounded(path);
      if (text === undefined) continue;
      found.bytes += text.length;
      if (found.bytes > MAX_RULE_BYTES) throw new Error(`more than ${MAX_RULE_BYTES} bytes of rules`);
      found.files.push({ file: path, text });
    }
  }
}

/** Undefined for a file that has gone since it was listed. */
function readBounded(path: string): string | undefined {
  let descriptor: number;
  try {
    // Non-blocking: what was a file when it was listed may be a FIFO by now.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { size } = fstatSync(descriptor);
    if (size > MAX_RULE_FILE_BYTES) throw new Error(`${path} is ${size} bytes long; at most ${MAX_RULE_FILE_BYTES} are read`);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

function explain(error: unknown, root: string): string {
  switch (systemCode(error)) {
    case 'ENOENT':
      return `there is no folder ${root}; make it, or take it out of the list`;
    case 'ENOTDIR':
      return `${root} is not a folder`;
    case 'EACCES':
      return `${reasonOf(error)}; the agent's user must be able to read the folder and every file in it`;
    default:
      return reasonOf(error);
  }
}
