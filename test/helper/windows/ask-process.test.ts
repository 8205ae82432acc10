import test from 'ava';

import type { Windows } from '../../../helper/windows/functions.ts';
import { processAsker } from '../../../helper/windows/ask-process.ts';

const NOTHING_KNOWN = { commandLine: false, image: false };

/** Windows' answers for one process; the rest is not asked. */
function fake({ created = 7n, commandLine = 'a "b c"', status = 0 }): { windows: Windows; closed: () => number } {
  let open = 0;
  const windows = {
    OpenProcess: (_access: number, _inherit: boolean, pid: number) => (pid === 42 ? ++open : 0),
    CloseHandle: () => open--,
    GetProcessTimes: (_process: number, began: bigint[]) => ((began[0] = created), true),
    NtQueryInformationProcess: (_process: number, kind: number, data: Buffer) => {
      if (kind !== 60 || status !== 0) return status || -1;
      data.writeUInt16LE(2 * commandLine.length, 0);
      data.write(commandLine, 16, 'utf16le');
      return 0;
    },
    QueryFullProcessImageNameW: (_process: number, _flags: number, path: Buffer, characters: number[]) => (
      (characters[0] = path.write('C:\\a.exe', 'utf16le') / 2),
      true
    ),
    OpenProcessToken: () => false,
  } as unknown as Windows;
  return { windows, closed: () => open };
}

test('a process that still runs tells its command line and image', (t) => {
  const { windows, closed } = fake({});
  t.deepEqual(processAsker(windows)(42, 7n, NOTHING_KNOWN), { commandLine: 'a "b c"', image: 'C:\\a.exe' });
  t.deepEqual(processAsker(windows)(42, undefined, { commandLine: true, image: true }), {});
  t.is(closed(), 0);
});

test('another process with the same id tells nothing, nor does one that has ended', (t) => {
  const { windows, closed } = fake({ created: 8n });
  t.deepEqual(processAsker(windows)(42, 7n, NOTHING_KNOWN), {});
  t.deepEqual(processAsker(windows)(43, 7n, NOTHING_KNOWN), {});
  t.is(closed(), 0);
});

test('a system without the question leaves the command line out', (t) => {
  t.deepEqual(processAsker(fake({ status: -1 }).windows)(42, 7n, { commandLine: false, image: true }), {});
});
