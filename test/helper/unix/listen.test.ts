import test from 'ava';
import { HelperError } from '../../../helper/errors.ts';
import { listen } from '../../../helper/unix/listen.ts';
import type { SocketCalls } from '../../../helper/unix/socket-calls.ts';

test('a socket whose folder cannot be made is refused with the folder to make, and nothing is said of the installation', (t) => {
  const calls = { address: () => Buffer.alloc(110) } as unknown as SocketCalls;
  const error = t.throws(() => listen(calls, '/no/such/folder/events.sock', 0), { instanceOf: HelperError });
  t.is(error.code, 'HELPER_SOCKET');
  t.is(error.message, 'HELPER_SOCKET: there is no folder /no/such. Make it, or choose another --socket.');
});
