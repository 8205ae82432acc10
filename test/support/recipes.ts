import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './repository.ts';

const OUTPUTS = 'docs/outputs.md';

/** Every block of a language that a page shows, and the heading it stands under. */
export function recipes(language: string, page = OUTPUTS): Array<{ title: string; text: string }> {
  const text = readFileSync(path.join(ROOT, page), 'utf8');
  return text.split(/^#+ /mu).flatMap((section) =>
    [...section.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gmsu'))].map((match) => ({
      title: section.split('\n', 1)[0]!,
      text: match[1]!,
    })),
  );
}

/** The block of the recipe of that title; where there are several, joined. */
export function recipe(title: string, language: string, page = OUTPUTS): string {
  const found = recipes(language, page).filter((block) => block.title === title);
  if (found.length === 0) throw new Error(`${page} has no ${language} under ${title}`);
  return found.map(({ text }) => text).join('');
}
