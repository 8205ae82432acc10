import test from 'ava';
import { HelperError } from '../../../helper/errors.ts';
import { requireNoPrivileges } from '../../../helper/linux/threads.ts';

type Privileges = Parameters<typeof requireNoPrivileges>[0];

const NONE = {
  uid: 991,
  gid: 992,
  threads: 7,
  capabilities: '0',
  no_new_privs: true,
  seccomp: 2,
  landlock: 7,
} as Privileges;

test('a process without privileges may go on', (t) => {
  t.notThrows(() => requireNoPrivileges(NONE, 991, 992));
});

test('whatever is left is named and ends the helper', (t) => {
  const left: [Partial<Privileges>, RegExp][] = [
    [{ uid: 0 }, /uid 0/],
    [{ gid: 0 }, /gid 0/],
    [{ uid: -1 }, /differing uids/],
    [{ gid: -1 }, /differing groups/],
    [{ capabilities: '1' }, /capabilities 1/],
    [{ capabilities: '1ffffffffff' }, /capabilities 1ffffffffff/],
    [{ no_new_privs: false }, /no_new_privs/],
  ];
  for (const [change, named] of left) {
    const error = t.throws(() => requireNoPrivileges({ ...NONE, ...change }, 991, 992), { instanceOf: HelperError });
    t.is(error.code, 'HELPER_PRIVILEGE');
    t.regex(error.message, named);
  }
});

test('all that is left is named at once', (t) => {
  const error = t.throws(() =>
    requireNoPrivileges({ ...NONE, uid: 0, gid: 0, capabilities: 'f', no_new_privs: false }, 991, 992),
  );
  for (const named of ['uid 0', 'gid 0', 'capabilities f', 'no_new_privs'])
    t.true(error.message.includes(named), named);
});
