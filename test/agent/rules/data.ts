import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { RuleFile } from '../../../agent/rules/load.ts';
import type { Platform } from '../../../agent/values/platform.ts';

/** Rules and events of others, which are not part of the project; their README names licences. */
const FOLDER = path.resolve(import.meta.dirname, '../../../../shared/data/sigma');

/** For a test's title: says why it does not run, or is empty. */
export const SKIPPED = existsSync(path.join(FOLDER, 'rules.tar.gz')) ? '' : `[skipped: ${FOLDER} is absent] `;

export interface Expected {
  readonly n: number;
  readonly event: Readonly<Record<string, unknown>>;
  readonly expected: readonly string[];
  readonly disputed: readonly string[];
}

export function readLines(name: string): string[] {
  return gunzipSync(readFileSync(path.join(FOLDER, name)))
    .toString('utf8')
    .trimEnd()
    .split('\n');
}

export const readExpected = (platform: Platform): Expected[] =>
  readLines(`expected_${platform}.jsonl.gz`).map((line) => JSON.parse(line) as Expected);

let archive: RuleFile[] | undefined;

/** All files of SigmaHQ's that are here, of every system. */
export function readCheckout(): readonly RuleFile[] {
  return (archive ??= untar(gunzipSync(readFileSync(path.join(FOLDER, 'rules.tar.gz')))));
}

/** SigmaHQ's rules for process creation. */
export function readRuleFiles(platform: Platform): RuleFile[] {
  return readCheckout().filter(({ file }) => file.startsWith(`rules/${platform}/`));
}

/** The regular YAML files of a tar archive. */
function untar(bytes: Buffer): RuleFile[] {
  const files: RuleFile[] = [];
  const text = (from: number, length: number) => bytes.toString('utf8', from, from + length).replace(/\0.*$/s, '');
  let longName: string | undefined;
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0;) {
    const size = Number.parseInt(text(at + 124, 12).trim() || '0', 8);
    const type = text(at + 156, 1);
    const prefix = text(at + 345, 155);
    const file = longName ?? (prefix === '' ? text(at, 100) : `${prefix}/${text(at, 100)}`);
    longName = type === 'L' ? text(at + 512, size) : undefined;
    if ((type === '0' || type === '') && file.endsWith('.yml'))
      files.push({ file, text: bytes.toString('utf8', at + 512, at + 512 + size) });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files.sort((a, b) => (a.file < b.file ? -1 : 1));
}
