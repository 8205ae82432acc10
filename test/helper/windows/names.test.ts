import test from 'ava';

import { DevicePaths } from '../../../helper/windows/device-paths.ts';
import { momentOf, unixMicroseconds } from '../../../helper/windows/filetime.ts';
import { DEVICE_REFRESH_MS } from '../../../helper/windows/limits.ts';
import { REPLACE, whoCan, WRITE } from '../../../helper/windows/sddl.ts';
import { serviceSid, sidOfName } from '../../../helper/windows/sid.ts';
import { pipeSddl } from '../../../helper/windows/pipe/security.ts';

test('NT paths become the paths that people know', (t) => {
  const paths = new DevicePaths(
    () => [
      ['C:', String.raw`\Device\HarddiskVolume3`],
      ['D:', String.raw`\Device\HarddiskVolume30`],
    ],
    String.raw`C:\Windows`,
  );
  for (const [from, to] of [
    [String.raw`\Device\HarddiskVolume3\a\b.exe`, String.raw`C:\a\b.exe`],
    [String.raw`\Device\HarddiskVolume30\a.exe`, String.raw`D:\a.exe`],
    [String.raw`\device\harddiskvolume3\A.exe`, String.raw`C:\A.exe`],
    [String.raw`\SystemRoot\System32\smss.exe`, String.raw`C:\Windows\System32\smss.exe`],
    [String.raw`\Device\Mup\server\share\x.exe`, String.raw`\\server\share\x.exe`],
    [String.raw`\??\C:\x.exe`, String.raw`C:\x.exe`],
    [String.raw`\??\UNC\server\share\x.exe`, String.raw`\\server\share\x.exe`],
    [String.raw`\Device\HarddiskVolume9\x.exe`, String.raw`\Device\HarddiskVolume9\x.exe`],
    ['Registry', 'Registry'],
  ] as const)
    t.is(paths.toDrivePath(from), to);
});

test('a drive that comes later is found, and unknown ones do not cost a look-up each', (t) => {
  let now = 0;
  let lookups = 0;
  let drives: [string, string][] = [];
  const paths = new DevicePaths(
    () => (lookups++, drives),
    'C:\\Windows',
    () => now,
  );
  drives = [['E:', String.raw`\Device\Usb1`]];
  for (let i = 0; i < 100; i++) t.is(paths.toDrivePath(String.raw`\Device\Usb1\x.exe`), String.raw`\Device\Usb1\x.exe`);
  t.is(lookups, 1);
  now = DEVICE_REFRESH_MS;
  t.is(paths.toDrivePath(String.raw`\Device\Usb1\x.exe`), String.raw`E:\x.exe`);
  t.is(lookups, 2);
});

test('a FILETIME is a moment and microseconds', (t) => {
  t.deepEqual(momentOf(133_500_000_001_234_567n), { seconds: 1_705_526_400, nanoseconds: 123_456_700 });
  t.is(unixMicroseconds(133_500_000_001_234_567n), 1_705_526_400_123_456);
  t.deepEqual(momentOf(5n), { seconds: 0, nanoseconds: 0 });
});

test('the SID of a service is the one that Windows gives it', (t) => {
  // As every Windows has it: NT SERVICE\TrustedInstaller.
  t.is(serviceSid('TrustedInstaller'), 'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464');
  t.is(sidOfName(String.raw`nt service\TRUSTEDINSTALLER`), serviceSid('trustedinstaller'));
  t.is(sidOfName('S-1-5-32-544'), 'S-1-5-32-544');
  for (const name of ['Users', 'S-1', 'S-1-5-', String.raw`BUILTIN\Users`]) t.is(sidOfName(name), undefined);
});

test('the pipe lets the group read and no more, and inherits nothing', (t) => {
  t.is(pipeSddl('S-1-5-80-1'), 'D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x120189;;;S-1-5-80-1)');
  t.deepEqual(whoCan(0x2 | 0x4 | 0x10, `O:SY${pipeSddl('S-1-5-80-1')}`), []);
});

test('who can change a file is read from its access list', (t) => {
  const programFiles =
    'O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464D:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;OICIIO;GA;;;CO)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)';
  t.deepEqual(whoCan(WRITE, programFiles), []);
  t.deepEqual(whoCan(WRITE, 'O:BAD:(A;;FA;;;SY)(A;ID;0x1301bf;;;AU)'), ['AU']);
  t.deepEqual(whoCan(WRITE, 'O:S-1-5-21-1-2-3-1001D:(A;;FA;;;SY)'), ['S-1-5-21-1-2-3-1001']);
  t.deepEqual(whoCan(WRITE, 'O:SYD:(D;;FA;;;WD)(A;;FR;;;WD)'), []);
  t.deepEqual(whoCan(WRITE, 'O:SYD:(A;;FRFW;;;BU)'), ['BU']);
  t.deepEqual(whoCan(WRITE, 'O:SYD:NO_ACCESS_CONTROL'), ['WD']);
  t.deepEqual(whoCan(WRITE, 'O:SY'), ['WD']);
  // Users may make folders in the root of a drive; that replaces nothing.
  t.deepEqual(whoCan(REPLACE, 'O:SYD:(A;OICI;FA;;;SY)(A;CI;LC;;;AU)'), []);
});
