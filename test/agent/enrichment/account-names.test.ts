import test from 'ava';
import { AccountNames } from '../../../agent/enrichment/account-names.ts';
import { Enrichment } from '../../../agent/enrichment/enrichment.ts';
import { createMapper, lookupsFor } from '../../../agent/rules/fields/mapper.ts';
import { execEvent } from '../../support/fake-helper.ts';

const ADA = 'S-1-5-21-1-2-3-1001';
const NOBODY = 'S-1-5-21-1-2-3-1002';

test('accounts that every Windows has need nobody to be asked', (t) => {
  const names = new AccountNames({ askSystem: () => t.fail() as never });
  t.is(names.of('S-1-5-18'), String.raw`NT AUTHORITY\SYSTEM`);
  t.is(names.of('S-1-5-19'), String.raw`NT AUTHORITY\LOCAL SERVICE`);
  t.is(names.of('S-1-5-20'), String.raw`NT AUTHORITY\NETWORK SERVICE`);
  t.is(names.remembered, 0);
});

test('others are asked for once; one without a name is its SID', (t) => {
  const asked: string[] = [];
  const names = new AccountNames({
    askSystem: (sid) => (asked.push(sid), sid === ADA ? String.raw`SITE\ada` : undefined),
  });
  t.deepEqual(
    [ADA, NOBODY, ADA, NOBODY].map((sid) => names.of(sid)),
    [String.raw`SITE\ada`, NOBODY, String.raw`SITE\ada`, NOBODY],
  );
  t.deepEqual(asked, [ADA, NOBODY]);
  t.is(new AccountNames().of(ADA), ADA, 'and so it is where there is nobody to ask');
});

test("a rule's User and ParentUser are the accounts; events of another machine have those that every Windows has", (t) => {
  const known = new Enrichment({ live: false });
  known.begin('boot');
  known.tree.see(execEvent(1, { pid: 7, start_time: 70, user_sid: 'S-1-5-18', exe: 'C:\\service.exe' }));
  const fields = new Set(['User', 'ParentUser']);
  const needed = lookupsFor('windows', fields);
  t.deepEqual([...needed].toSorted(), ['accountName', 'parentUser']);
  const map = createMapper({ platform: 'windows', fields, lookups: known.lookups(needed) });
  const child = execEvent(2, { pid: 9, parent: { pid: 7, start_time: 70 }, user_sid: ADA });
  t.deepEqual(map(child), { User: ADA, ParentUser: String.raw`NT AUTHORITY\SYSTEM` });
});
