import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  MAX_RULE_BYTES,
  MAX_RULE_DEPTH,
  MAX_RULE_FILE_BYTES,
  MAX_RULE_FILES,
  MAX_RULE_SUBFOLDERS,
} from '../../../agent/detection/limits.ts';
import { readRuleFolders, RuleFolderError } from '../../../agent/detection/rule-files.ts';

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'probes-rules-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

const refusal = (t: ExecutionContext, path: string): string => {
  const error = t.throws(() => readRuleFolders([path]), { instanceOf: RuleFolderError });
  t.is(error.folder, path);
  return error.message;
};

test('rule files are found at any depth, in the order of their paths, and what is no rule file is passed over', (t) => {
  const path = folder(t);
  mkdirSync(join(path, 'b/c'), { recursive: true });
  mkdirSync(join(path, '.git'));
  for (const name of ['z.yml', 'a.YAML', 'b/c/x.yml', 'note.txt', '.hidden.yml', '.git/y.yml', 'b/x.yml~'])
    writeFileSync(join(path, name), name);
  symlinkSync(join(path, 'z.yml'), join(path, 'link.yml'));
  symlinkSync('/no/such/file', join(path, 'nowhere.yml'));
  execFileSync('mkfifo', [join(path, 'pipe.yml')]);
  symlinkSync('/no/such/file', join(path, 'nowhere'));
  const { files, folders, faults } = readRuleFolders([path]);
  t.deepEqual(
    files.map(({ file, text }) => [file.slice(path.length + 1), text]),
    [
      ['a.YAML', 'a.YAML'],
      ['b/c/x.yml', 'b/c/x.yml'],
      ['link.yml', 'z.yml'],
      ['z.yml', 'z.yml'],
    ],
  );
  t.deepEqual(
    folders.map((each) => each.slice(path.length)),
    ['', '/b', '/b/c'],
  );
  t.deepEqual(
    faults.map(({ file, message }) => [file.slice(path.length + 1), message]),
    [
      ['nowhere.yml', 'a link that leads nowhere; remove it'],
      ['pipe.yml', 'not a regular file; remove it'],
    ],
  );
});

test('a folder that is missing or none says what to do', (t) => {
  const path = folder(t);
  writeFileSync(join(path, 'file'), '');
  t.regex(refusal(t, join(path, 'none')), /^there is no folder .*; create it, or remove it from the list$/);
  t.regex(refusal(t, join(path, 'file')), /is not a folder$/);
});

test('a file that is too large or cannot be read is a fault, and keeps no other from being read', (t) => {
  const path = folder(t);
  writeFileSync(join(path, 'large.yml'), '#'.repeat(MAX_RULE_FILE_BYTES + 1));
  writeFileSync(join(path, 'good.yml'), 'good');
  symlinkSync('again.yml', join(path, 'again.yml'));
  symlinkSync('good.yml/x', join(path, 'through.yml'));
  symlinkSync('/dev/zero', join(path, 'endless.yml'));
  // Its size is told as 0.
  symlinkSync('/proc/self/pagemap', join(path, 'huge.yml'));
  // A file whose beginning not even root can read.
  symlinkSync('/proc/self/mem', join(path, 'odd.yml'));
  const { files, faults } = readRuleFolders([path]);
  t.deepEqual(
    files.map(({ text }) => text),
    ['good'],
  );
  t.deepEqual(
    faults.map(({ file, line, message }) => [file, line, message.slice(0, 60)]),
    [
      [join(path, 'again.yml'), 1, 'a link that leads nowhere; remove it'],
      [join(path, 'endless.yml'), 1, 'not a regular file; remove it'],
      [join(path, 'huge.yml'), 1, `longer than the ${MAX_RULE_FILE_BYTES} bytes that are read at most`],
      [join(path, 'large.yml'), 1, `${MAX_RULE_FILE_BYTES + 1} bytes long; at most ${MAX_RULE_FILE_BYTES} are read`],
      [join(path, 'odd.yml'), 1, 'EIO: i/o error, read'],
      [join(path, 'through.yml'), 1, 'a link that leads nowhere; remove it'],
    ],
  );
});

test('a file that is not UTF-8 is a fault: its rules would never match; a byte order mark is passed over', (t) => {
  const path = folder(t);
  writeFileSync(join(path, 'a.yml'), Buffer.from('title: M\u00fcll', 'latin1'));
  writeFileSync(join(path, 'b.yml'), Buffer.from('\ufefftitle: x', 'utf16le'));
  writeFileSync(join(path, 'c.yml'), Buffer.of(0xff));
  writeFileSync(join(path, 'd.yml'), '\ufefftitle: M\u00fcll');
  writeFileSync(join(path, 'e.yml'), '');
  const { files, faults } = readRuleFolders([path]);
  t.deepEqual(
    files.map(({ text }) => text),
    ['title: M\u00fcll', ''],
  );
  t.deepEqual(
    faults.map(({ file, message }) => [file.slice(path.length + 1), message]),
    [
      ['a.yml', 'expected UTF-8, found something else; save the file as UTF-8'],
      ['b.yml', 'expected UTF-8, found UTF-16; save the file as UTF-8'],
      ['c.yml', 'expected UTF-8, found something else; save the file as UTF-8'],
    ],
  );
});

test('a circle of links is a fault, and keeps nothing from being read', (t) => {
  const path = folder(t);
  mkdirSync(join(path, 'a/b'), { recursive: true });
  writeFileSync(join(path, 'a/b/x.yml'), 'x');
  symlinkSync('../..', join(path, 'a/b/back'));
  symlinkSync('.', join(path, 'again'));
  const { files, faults } = readRuleFolders([path]);
  t.deepEqual(
    files.map(({ file }) => file.slice(path.length)),
    ['/a/b/x.yml'],
  );
  t.deepEqual(
    faults.map(({ file, message }) => [file.slice(path.length), message]),
    ['/a/b/back', '/again'].map((link) => [link, 'a link that leads back to a folder around it; remove it']),
  );
});

test('what is larger than the limits is refused: all files together, their number, folders, their depth', (t) => {
  const heavy = folder(t);
  writeFileSync(join(heavy, 'a.yml'), '#'.repeat(MAX_RULE_FILE_BYTES));
  for (let i = 0; i < MAX_RULE_BYTES / MAX_RULE_FILE_BYTES; i++) symlinkSync('a.yml', join(heavy, `${i}.yml`));
  t.regex(refusal(t, heavy), new RegExp(`more than ${MAX_RULE_BYTES} bytes of rules`));

  const many = folder(t);
  for (let i = 0; i <= MAX_RULE_FILES; i++) writeFileSync(join(many, `${i}.yml`), '');
  t.regex(refusal(t, many), new RegExp(`more than ${MAX_RULE_FILES} rule files`));

  const deep = folder(t);
  mkdirSync(join(deep, 'a/'.repeat(MAX_RULE_DEPTH + 1)), { recursive: true });
  t.regex(refusal(t, deep), new RegExp(`lies deeper than ${MAX_RULE_DEPTH} folders$`));

  // Each level is there ten times over.
  const wide = folder(t);
  const levels = Array.from({ length: 6 }, (_, i) => join(wide, `level${i}`));
  for (const level of levels) mkdirSync(level);
  for (const [i, level] of levels.entries())
    for (let n = 0; n < 10 && i + 1 < levels.length; n++) symlinkSync(levels[i + 1]!, join(level, String(n)));
  t.regex(refusal(t, wide), new RegExp(`more than ${MAX_RULE_SUBFOLDERS} folders; are there links to the same ones`));
});
