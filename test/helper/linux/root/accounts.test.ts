import { readFileSync } from 'node:fs';
import test from 'ava';
import { HelperError } from '../../../../helper/errors.ts';
import { findGroup, findUser } from '../../../../helper/linux/root/accounts.ts';

const entries = (file: string): string[][] =>
  readFileSync(file, 'latin1')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 3);

test('every user of the system but root is found by name, with uid and first group', (t) => {
  const seen = new Set<string>();
  for (const [name = '', , uid, gid] of entries('/etc/passwd')) {
    if (uid === '0' || seen.has(name)) continue;
    seen.add(name);
    t.deepEqual(findUser(name), { uid: Number(uid), gid: Number(gid) }, name);
  }
});

test('every group of the system is found by name', (t) => {
  const seen = new Set<string>();
  for (const [name = '', , gid] of entries('/etc/group')) {
    if (!seen.has(name)) t.is(findGroup(name), Number(gid), name);
    seen.add(name);
  }
});

test('a number needs no entry', (t) => {
  t.deepEqual(findUser('3999999999'), { uid: 3_999_999_999, gid: 3_999_999_999 });
  t.is(findGroup('3999999999'), 3_999_999_999);
  t.is(findGroup('0'), 0);
});

test('a name that does not exist is refused with the command that makes it', (t) => {
  const user = t.throws(() => findUser('no-such-user'), { instanceOf: HelperError });
  t.is(user.code, 'HELPER_NO_ACCOUNT');
  t.regex(user.message, /"no-such-user".*useradd .*--user/);
  const group = t.throws(() => findGroup('no-such-group'), { instanceOf: HelperError });
  t.is(group.code, 'HELPER_NO_ACCOUNT');
  t.regex(group.message, /"no-such-group".*groupadd .*--group/);
});

test('what is neither a name nor a number of an account is refused', (t) => {
  for (const text of ['', ' ', ':', '-1', '1.5', '0x10', '1e3', '4294967295', '99999999999', 'root:x', 'root\n']) {
    t.throws(() => findUser(text), { instanceOf: HelperError }, `user "${text}"`);
    t.throws(() => findGroup(text), { instanceOf: HelperError }, `group "${text}"`);
    // No command can make such an account.
    if (/^\d*$/.test(text))
      for (const find of [findUser, findGroup]) {
        const { message } = t.throws(() => find(text), { instanceOf: HelperError });
        t.regex(message, /there is no (user|group) "\d*"\. Name another with --(user|group)\.$/);
      }
  }
});

test('the helper cannot stay root by number', (t) => {
  for (const text of ['0', '00', '0000000000']) {
    const error = t.throws(() => findUser(text), { instanceOf: HelperError });
    t.is(error.code, 'HELPER_NO_ACCOUNT');
  }
});
