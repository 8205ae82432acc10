import test from 'ava';
import { findUser, userId } from '../../../agent/values/users.ts';

test('a user by name or number; a number need not exist', (t) => {
  t.is(userId('root'), 0);
  t.is(userId('4242424'), 4_242_424);
  t.like(findUser(0), { name: 'root', uid: 0, gid: 0 });
  for (const name of ['no-such-user-here', '-x', '--help', 'a b', '', '../x', '\u0000'])
    t.throws(() => userId(name), { message: /there is no user .* on this machine/ }, JSON.stringify(name));
});
