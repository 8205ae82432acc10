import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PAGES = globSync(['*.md', '{bpf,helper,agent,shared,docs}/**/*.md'], { cwd: ROOT });

/** The anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(file: string): Set<string> {
  const text = readFileSync(file, 'utf8').replaceAll(/^```.*?^```$/gmsu, '');
  return new Set(
    [...text.matchAll(/^#+ (.*)$/gmu)].map((match) =>
      (match[1] ?? '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

test('every link from document to document leads to something', (t) => {
  const broken: string[] = [];
  for (const page of PAGES) {
    const text = readFileSync(path.join(ROOT, page), 'utf8').replaceAll(/^```.*?^```$/gmsu, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/gu)) {
      if (/^[a-z]+:/u.test(target)) continue;
      const [name = '', anchor] = target.split('#');
      const file = name === '' ? path.join(ROOT, page) : path.resolve(ROOT, path.dirname(page), name);
      if (!existsSync(file)) broken.push(`${page}: ${target}`);
      else if (anchor !== undefined && statSync(file).isFile() && !anchorsOf(file).has(anchor))
        broken.push(`${page}: ${target}`);
    }
  }
  t.deepEqual(broken, []);
});

test('docs/README.md leads to every page', (t) => {
  const index = readFileSync(path.join(ROOT, 'docs/README.md'), 'utf8');
  const pages = globSync('*.md', { cwd: path.join(ROOT, 'docs') }).filter((file) => file !== 'README.md');
  t.deepEqual(
    pages.filter((file) => !index.includes(`](${file})`)),
    [],
  );
});
