import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';

import { IMPORT_HASH, importingProgram } from '../agent/support/importing-programs.ts';
import { Sensor, until } from './support/sensor.ts';
import { wholeLines } from '../support/lines.ts';

const sensor = await Sensor.start();
test.after.always(async () => sensor[Symbol.asyncDispose]());

interface Alert {
  readonly user_sid: string;
  readonly rules: readonly { readonly title: string }[];
}

const rule = (id: number, title: string, selection: string): string => `title: ${title}
id: 00000000-0000-4000-8000-00000000000${id}
level: high
logsource: { category: process_creation, product: windows }
detection: { selection: { ${selection} }, condition: selection }
`;

/** Alerts as the agent wrote them. */
function alerts(): Alert[] {
  const file = path.join(sensor.machine.share, 'out/alerts.jsonl');
  const lines = existsSync(file) ? wholeLines(readFileSync(file, 'utf8')) : [];
  return lines.map((line) => JSON.parse(line) as Alert).filter(({ rules }) => rules !== undefined);
}

test.serial('rules read the account of a SID, or the SID where it has none, and import hashes', async (t) => {
  const { output } = await sensor.machine.run('whoami', []);
  const account = output.trim();
  t.regex(account, /^[^\\]+\\[^\\]+$/, 'the independent answer');
  const folder = path.join(sensor.machine.share, 'rules');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'own.yml'), rule(1, 'Own User', `User: '${account}'`));
  writeFileSync(path.join(folder, 'other.yml'), rule(2, 'Nobody Here', 'User: S-1-5-21-1-2-3-1001'));
  writeFileSync(path.join(folder, 'any.yml'), rule(3, 'Own Sid', 'User: S-1-5-21-0-0-0-1000'));
  writeFileSync(path.join(folder, 'imports.yml'), rule(4, 'Own Imports', `Hashes|contains: 'IMPHASH=${IMPORT_HASH}'`));
  writeFileSync(path.join(folder, 'imphash.yml'), rule(5, 'Own Imphash', `Imphash: ${IMPORT_HASH}`));
  // The image that the stand-in names for its own process.
  writeFileSync(sensor.machine.onDriveC('windows', 'own.exe'), importingProgram(64));
  appendFileSync(
    path.join(sensor.machine.share, 'agent.yaml'),
    `  - { name: alerts, type: file, path: 'Z:\\share\\out\\alerts.jsonl', events: alerts }\nrules: { builtin: false, folders: ['Z:\\share\\rules'] }\n`,
  );
  await sensor.startHelper();
  await sensor.startAgent();
  await sensor.order('own 1', 'events 1');
  const found = await until('two alerts', () => alerts().length >= 2 && alerts());
  t.deepEqual(found.map(({ user_sid: sid, rules }) => [sid, rules.map(({ title }) => title).toSorted()]).toSorted(), [
    ['S-1-5-21-0-0-0-1000', ['Own Imphash', 'Own Imports', 'Own User']],
    ['S-1-5-21-1-2-3-1001', ['Nobody Here']],
  ]);
});
