import { lstatSync, readdirSync, realpathSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { reasonOf, systemCode } from '../errors.ts';
import { exposureIn, exposureOf } from '../files/exposed.ts';
import { readBoundedSync } from '../files/read-bounded.ts';
import type { Problem } from '../problem.ts';
import type { RuleFile } from '../rules/load.ts';
import { textOf } from '../yaml/text.ts';
import {
  MAX_LOGGED_REFUSALS,
  MAX_RULE_BYTES,
  MAX_RULE_DEPTH,
  MAX_RULE_FILE_BYTES,
  MAX_RULE_FILES,
  MAX_RULE_SUBFOLDERS,
} from './limits.ts';

/** A folder of rules that cannot be used. */
export class RuleFolderError extends Error {
  override readonly name = 'RuleFolderError';
  /** The folder as the configuration names it. */
  readonly folder: string;

  constructor(folder: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.folder = folder;
  }
}

/** The contents of folders of rules. */
export interface RuleFolders {
  /** In the order of their paths, folder by folder. */
  readonly files: readonly RuleFile[];
  /** The folders and their subfolders: the places to watch for changes. */
  readonly folders: readonly string[];
  /** Names of rule files that cannot be read, are too large or no files, and links that lead nowhere or in a circle. The others are still read. */
  readonly faults: readonly Problem[];
  /** Ways in which others could change rules: one sentence each, for the first ones found. */
  readonly exposed: readonly string[];
}

interface Found extends RuleFolders {
  readonly files: RuleFile[];
  readonly folders: string[];
  readonly faults: Problem[];
  readonly exposed: string[];
  bytes: number;
}

/**
 * Reads every rule file in these folders and below. Skips names that begin with a dot and files other than `.yml` and `.yaml`; follows links.
 * @throws {RuleFolderError} when a folder cannot be read, or the total exceeds the limits
 */
export function readRuleFolders(paths: readonly string[]): RuleFolders {
  const found: Found = { files: [], folders: [], faults: [], exposed: [], bytes: 0 };
  for (const root of paths) {
    try {
      note(found, exposureOf(root));
      walk(root, [], found);
    } catch (error) {
      throw new RuleFolderError(root, explain(error, root), { cause: error });
    }
  }
  return found;
}

/**
 * Reads one rule file, whatever its name.
 * @throws {RuleFolderError} when it cannot be read
 */
export function readRuleFile(path: string): RuleFile {
  const faults: Problem[] = [];
  const text = readOrFault(path, faults);
  if (text === undefined) throw new RuleFolderError(path, `${path}: ${faults[0]?.message ?? 'there is no such file'}`);
  return { file: path, text };
}

/** @param around the folders that it lies in, without links */
function walk(folder: string, around: readonly string[], found: Found): void {
  if (around.length > MAX_RULE_DEPTH) throw new Error(`${folder} lies deeper than ${MAX_RULE_DEPTH} folders`);
  if (found.folders.length >= MAX_RULE_SUBFOLDERS)
    throw new Error(`more than ${MAX_RULE_SUBFOLDERS} folders; are there links to the same ones?`);
  const self = realpathSync(folder);
  if (around.includes(self)) {
    found.faults.push(faultOf(folder, 'a link that leads back to a folder around it; remove it'));
    return;
  }
  found.folders.push(folder);
  for (const name of readdirSync(folder).sort()) {
    if (name.startsWith('.')) continue;
    const path = join(folder, name);
    const isRuleFile = /\.ya?ml$/i.test(name);
    const stats = statOrFault(path, isRuleFile, found.faults);
    if (stats === undefined) continue;
    note(found, exposureIn(path, stats));
    if (stats.isDirectory()) walk(path, [...around, self], found);
    // Some devices act when they are opened.
    else if (isRuleFile && !stats.isFile()) found.faults.push(faultOf(path, 'not a regular file; remove it'));
    else if (isRuleFile) {
      if (found.files.length >= MAX_RULE_FILES) throw new Error(`more than ${MAX_RULE_FILES} rule files`);
      const text = readOrFault(path, found.faults);
      if (text === undefined) continue;
      found.bytes += text.length;
      if (found.bytes > MAX_RULE_BYTES) throw new Error(`more than ${MAX_RULE_BYTES} bytes of rules`);
      found.files.push({ file: path, text });
    }
  }
}

/** Returns undefined for what is not there, or cannot be looked at; with a fault, unless it has another name than a rule file. */
function statOrFault(path: string, isRuleFile: boolean, faults: Problem[]): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    const code = systemCode(error);
    // One that disappeared after it was listed is none.
    if (!isRuleFile || (code === 'ENOENT' && lstatSync(path, { throwIfNoEntry: false }) === undefined))
      return undefined;
    const isLost = code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR';
    faults.push(faultOf(path, isLost ? 'a link that leads nowhere; remove it' : reasonOf(error)));
    return undefined;
  }
}

const faultOf = (file: string, message: string): Problem => ({ file, line: 1, column: 1, path: '', message });

/** Returns undefined, without a fault, for a file that disappeared after it was listed. */
function readOrFault(path: string, faults: Problem[]): string | undefined {
  try {
    return textOf(readBoundedSync(path, { maxBytes: MAX_RULE_FILE_BYTES }));
  } catch (error) {
    const code = systemCode(error);
    const message =
      code === 'EACCES' ? "cannot be read by this user; make it readable for the agent's user" : reasonOf(error);
    if (code !== 'ENOENT') faults.push(faultOf(path, message));
    return undefined;
  }
}

function note(found: Found, exposure: string | undefined): void {
  if (exposure !== undefined && found.exposed.length < MAX_LOGGED_REFUSALS) found.exposed.push(exposure);
}

function explain(error: unknown, root: string): string {
  switch (systemCode(error)) {
    case 'ENOENT':
      return `there is no folder ${root}; create it, or remove it from the list`;
    case 'ENOTDIR':
      return `${root} is not a folder`;
    case 'EACCES':
      return `${reasonOf(error)}; the agent's user must be able to read the folder and all in it`;
    default:
      return reasonOf(error);
  }
}
