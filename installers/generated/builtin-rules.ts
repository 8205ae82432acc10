import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { inCheckout } from '../tools/root-folder.ts';

const FOLDER = 'agent/rules/builtin';

/** A module that holds the starter rules: a single executable has no folder beside it to read them from. */
export function builtinRulesModule(): string {
  const files = readdirSync(inCheckout(FOLDER))
    .filter((name) => name.endsWith('.yml'))
    .sort()
    .map(
      (name) =>
        `  { file: ${quote(`builtin/${name}`)}, text: ${quote(readFileSync(path.join(inCheckout(FOLDER), name), 'utf8'))} },\n`,
    );
  return `// Made by npm run generate from ${FOLDER}/; do not edit.
import type { RuleFile } from '../rules/load.ts';

/** The starter rules, as text. */
export const BUILTIN_RULES: readonly RuleFile[] = [
${files.join('')}];
`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
}
