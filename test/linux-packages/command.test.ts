// npm run package: flags that do not fit, and signatures by minisign.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';

import { commonFiles } from '../../installers/linux/payload.ts';
import { packageVersion, wrapped } from '../../installers/linux/identity.ts';
import { readAr, writeAr } from '../../installers/linux/ar.ts';
import { minisign } from '../../installers/signing/minisign.ts';
import { sourceDate } from '../../installers/tools/source-date.ts';
import { hasCommand } from '../../installers/tools/system-packages.ts';
import { requiring } from '../support/requirements.ts';
import { ROOT } from '../support/repository.ts';
import { UNITS } from './support/running-systemd.ts';

for (const [flags, message] of [
  ['', /--target: expected one of linux-x64, linux-arm64, .*, got nothing. Or give --repository/],
  ['--target linux-x64 --certificate a', /--certificate does not go with --target linux-x64/],
  ['--target linux-x64 --check --minisign-key a', /--minisign-key does not go with --target linux-x64 --check/],
  ['--target linux-x64 --minisign-password-file a', /--minisign-password-file needs --minisign-key/],
  ['--repository a --target linux-x64', /--target does not go with --repository/],
  ['--sign', /Unknown option '--sign'/],
] as const) {
  test(`npm run package -- ${flags}`, (t) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [path.join(ROOT, 'scripts/package.ts'), ...flags.split(' ').filter(Boolean)],
      { encoding: 'utf8' },
    );
    t.is(status, 1);
    t.is(stdout, '');
    t.regex(stderr, message);
    t.is(stderr.trim().split('\n').length, 1);
  });
}

function scratch(t: ExecutionContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'probes-minisign-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

requiring(() => (hasCommand('minisign') ? undefined : 'needs minisign'))(
  'minisign signs with the key that the builder gives, with or without a password; a key that cannot be used is named',
  (t) => {
    const folder = scratch(t);
    const at = (name: string): string => path.join(folder, name);
    const run = (args: readonly string[], input = ''): number | null =>
      spawnSync('minisign', args, { input, encoding: 'utf8' }).status;
    t.is(run(['-G', '-p', at('locked.pub'), '-s', at('locked.key')], 'secret\nsecret\n'), 0);
    t.is(run(['-G', '-W', '-p', at('open.pub'), '-s', at('open.key')]), 0);
    writeFileSync(at('password'), 'secret\n');
    writeFileSync(at('wrong'), 'public\n');
    const file = at('SHA256SUMS');
    for (const [name, password] of [
      ['locked', { passwordFile: at('password') }],
      ['open', {}],
    ] as const) {
      writeFileSync(file, 'sums\n');
      minisign(file, 'platform-probes 0.1.0', { key: at(`${name}.key`), ...password });
      t.regex(readFileSync(`${file}.minisig`, 'utf8'), /^trusted comment: platform-probes 0\.1\.0$/mu);
      t.is(run(['-V', '-p', at(`${name}.pub`), '-m', file]), 0);
      writeFileSync(file, 'other sums\n');
      t.not(run(['-V', '-p', at(`${name}.pub`), '-m', file]), 0);
    }
    const sign = (key: { key: string; passwordFile?: string }) => () => minisign(file, '', key);
    t.throws(sign({ key: at('none') }), { message: /--minisign-key: there is no file/u });
    t.throws(sign({ key: at('open.key'), passwordFile: at('none') }), {
      message: /--minisign-password-file: there is no file/u,
    });
    t.throws(sign({ key: at('locked.key') }), {
      message: /--minisign-key: .*cannot be used.*give --minisign-password-file/su,
    });
    t.throws(sign({ key: at('locked.key'), passwordFile: at('wrong') }), { message: /Wrong password/u });
  },
);

test('a pre-release sorts before its release, for dpkg and for rpm', (t) => {
  t.is(packageVersion('0.2.0'), '0.2.0');
  t.is(packageVersion('0.2.0-rc.1'), '0.2.0~rc.1');
  t.is(packageVersion('0.2.0-rc-2.x'), '0.2.0~rc.2.x');
});

test('SOURCE_DATE_EPOCH dates a package, and is refused when it is no number', (t) => {
  const before = process.env['SOURCE_DATE_EPOCH'];
  t.teardown(() => {
    if (before === undefined) delete process.env['SOURCE_DATE_EPOCH'];
    else process.env['SOURCE_DATE_EPOCH'] = before;
  });
  process.env['SOURCE_DATE_EPOCH'] = '1795352083';
  t.is(sourceDate(), 1_795_352_083);
  process.env['SOURCE_DATE_EPOCH'] = 'yesterday';
  t.throws(sourceDate, { message: /SOURCE_DATE_EPOCH: expected seconds since 1970, got "yesterday"/u });
});

test('an ar archive that is written is read again, and a broken one is refused', (t) => {
  const members = [
    { name: 'debian-binary', data: Buffer.from('2.0\n') },
    { name: 'odd', data: Buffer.from('12345') },
    { name: 'last', data: Buffer.alloc(0) },
  ];
  const archive = writeAr(members, 1_795_352_083);
  t.deepEqual(readAr(archive), members);
  t.throws(() => readAr(Buffer.from('PK')), { message: /not an ar archive/u });
  t.throws(() => readAr(archive.subarray(0, 70)), { message: /broken header at byte 8/u });
});

test('lines of a description are no longer than what is asked for, and nothing of it is lost', (t) => {
  const text = ['one two three four', 'a-word-that-is-longer-than-the-line x'];
  const lines = wrapped(text, 10);
  t.deepEqual(lines, ['one two', 'three four', '', 'a-word-that-is-longer-than-the-line', 'x']);
});

test('the scripts know every unit that is to be enabled, and every file of sysusers.d and tmpfiles.d', (t) => {
  const files = commonFiles(0);
  const units = files.filter(
    ({ path: name, data }) => /systemd\/system\/[^/]+$/u.test(name) && /^\[Install\]$/mu.test(String(data)),
  );
  t.deepEqual(units.map(({ path: name }) => path.basename(name)).toSorted(), UNITS.toSorted());
  const script = (name: string): string => readFileSync(path.join(ROOT, 'installers/linux/scripts', name), 'utf8');
  for (const name of ['postinst', 'postrm', 'rpm-post', 'rpm-preun', 'rpm-posttrans'])
    for (const unit of UNITS) t.true(script(name).includes(unit), `${name}: ${unit}`);
  for (const [folder, tool] of [
    ['sysusers.d', 'systemd-sysusers'],
    ['tmpfiles.d', 'systemd-tmpfiles --create'],
  ] as const) {
    for (const { path: name } of files.filter((entry) => path.dirname(entry.path) === `usr/lib/${folder}`))
      for (const each of ['postinst', 'rpm-post'])
        t.true(script(each).includes(`${tool} ${path.basename(name)}`), `${each}: ${name}`);
  }
});
