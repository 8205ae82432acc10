import test from 'ava';
import { askHelper } from '../../../agent/source/ask-helper.ts';
import { PRODUCT_TRUST } from '../../../agent/source/connect.ts';
import { execEvent, FakeHelper } from '../../support/fake-helper.ts';
import { withServer } from '../support/server.ts';

/** Why there would be no events. */
async function reason(...args: Parameters<typeof askHelper>): Promise<string> {
  const answer = await askHelper(...args);
  return typeof answer === 'string' ? answer : '';
}

const TRUST = { ...PRODUCT_TRUST, ownerUid: process.getuid!() };

test('a helper that answers is good, is not written to, and is left at once', async (t) => {
  await using helper = await new FakeHelper().listen();
  helper.backlog = Array.from({ length: 1000 }, (_, i) => JSON.stringify(execEvent(i + 1)));
  t.like(await askHelper(helper.socketPath, TRUST), { type: 'hello' });
  while (helper.clients.size > 0) await new Promise((resolve) => setImmediate(resolve));
  t.is(helper.bytesFromClients, 0);
});

test('one that takes the connection and says nothing, as a stopped one does, is told after the time that was given', async (t) => {
  await withServer(
    () => undefined,
    async (path) => t.regex(await reason(path, TRUST, 50), /sent nothing within 0\.05 s; probes-helper is stopped/),
  );
});

test('one that hangs up, one that says something else, and a good first line with garbage behind it', async (t) => {
  await withServer(
    (client) => client.destroy(),
    async (path) => t.regex(await reason(path, TRUST), /closed the connection before its first line/),
  );
  await withServer(
    (client) => client.write('SSH-2.0-server\n'),
    async (path) => t.regex(await reason(path, TRUST), /HELPER_PROTOCOL: a line is not JSON/),
  );
  const { hello } = new FakeHelper();
  await withServer(
    (client) => client.write(`${JSON.stringify(hello)}\ngarbage\n`),
    async (path) => t.like(await askHelper(path, TRUST), { type: 'hello' }),
  );
});

test('a socket that nobody serves any more', async (t) => {
  await using helper = await new FakeHelper().listen();
  t.regex(await reason(`${helper.socketPath}x`, TRUST), /there is no socket at/);
});
