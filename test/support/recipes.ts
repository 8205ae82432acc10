import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './repository.ts';

const PAGE = readFileSync(path.join(ROOT, 'docs/outputs.md'), 'utf8');

/** Every block of a language that the page shows, and the heading it stands under. */
export function recipes(language: string): Array<{ title: string; text: string }> {
  return PAGE.split(/^#+ /mu).flatMap((section) =>
    [...section.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gmsu'))].map((match) => ({
      title: section.split('\n', 1)[0]!,
      text: match[1]!,
    })),
  );
}

/** The block of the recipe of that title. */
export function recipe(title: string, language: string): string {
  const found = recipes(language).find((block) => block.title === title);
  if (found === undefined) throw new Error(`docs/outputs.md has no ${language} under ${title}`);
  return found.text;
}
