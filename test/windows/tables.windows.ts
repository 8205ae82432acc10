import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';

import { windowsTarget } from '../../installers/programs/programs.ts';
import { makeRelease } from '../../installers/programs/release.ts';
import { buildMsi } from '../../installers/windows/msi.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'platform-probes-tables-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
const msi = path.join(folder, 'platform-probes.msi');
test.before(async () => buildMsi({ files: await makeRelease(windowsTarget(), { force: false }), output: msi }));

/** The rows of one of the installer's tables, by column, as msitools read them. */
function rows(table: string): Record<string, string>[] {
  const { status, stdout, stderr } = spawnSync('msiinfo', ['export', msi, table], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`msiinfo: ${stderr}`);
  const [columns = [], , , ...lines] = stdout
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
  return lines.map((cells) => Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? ''])));
}

test('of both services Windows gets program and arguments apart, so that the quotes are its own to set', (t) => {
  const [components, files] = [rows('Component'), rows('File')];
  const services = rows('ServiceInstall').map(({ Name, Component_, Arguments }) => {
    const component = components.find((row) => row['Component'] === Component_);
    const program = files.find((row) => row['File'] === component?.['KeyPath'])?.['FileName'];
    return [Name, component?.['Directory_'], program?.split('|').at(-1), Arguments];
  });
  t.deepEqual(services.toSorted(), [
    ['platform-probes-agent', 'INSTALLDIR', 'probes-agent.exe', 'run --service'],
    ['platform-probes-helper', 'INSTALLDIR', 'probes-helper.exe', 'run --service'],
  ]);
});

test('accounts, order and privileges of the services are those that the documents say', (t) => {
  t.deepEqual(
    rows('ServiceInstall')
      .map(({ Name, StartName, Dependencies }) => [Name, StartName, Dependencies])
      .toSorted(),
    [
      ['platform-probes-agent', String.raw`NT SERVICE\platform-probes-agent`, 'platform-probes-helper[~][~]'],
      ['platform-probes-helper', 'LocalSystem', ''],
    ],
  );
  const privileges = rows('MsiServiceConfig')
    .filter(({ ConfigType }) => ConfigType === '6')
    .map(({ Name, Argument }) => [Name, Argument]);
  t.deepEqual(privileges.toSorted(), [
    ['platform-probes-agent', 'SeChangeNotifyPrivilege'],
    ['platform-probes-helper', 'SeSystemProfilePrivilege[~]SeChangeNotifyPrivilege'],
  ]);
});
