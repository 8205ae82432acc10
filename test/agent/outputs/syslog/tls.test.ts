import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import test from 'ava';
import { Certificates } from '../../../support/certificates.ts';
import { exec } from '../../support/items.ts';
import { batchFor, emptyFolder, outputFor, RelpReceiver, StreamReceiver } from './support.ts';

const certificates = new Certificates();
test.after.always(() => certificates[Symbol.dispose]());

const ITEMS = [exec(1)];
const OURS = { ca: certificates.cert('ca') };
const ASKING: TlsOptions = { requestCert: true, rejectUnauthorized: true, ca: certificates.shown('ca').cert };

for (const [transport, Receiver] of [
  ['relp', RelpReceiver],
  ['tcp', StreamReceiver],
] as const) {
  const serving = (name: string, more: TlsOptions = {}) =>
    new Receiver({ ...certificates.shown(name), ...more }).listen();

  /** The fate of a batch. */
  const sent = async (address: string, tls: object): Promise<string> => {
    await using output = await outputFor({ transport, address, tls });
    const outcome = await output.send(batchFor(output, ITEMS));
    return outcome.kind === 'taken' ? 'taken' : outcome.reason;
  };

  /** The numbers that a receiver has, once it has read all that was sent to it. */
  const numbersOf = async (receiver: RelpReceiver | StreamReceiver, count: number): Promise<unknown[]> => {
    for (let i = 0; i < 500 && receiver.messages.length < count; i++) await new Promise((go) => setTimeout(go, 10));
    return receiver.numbers;
  };

  test(`${transport}: a receiver whose certificate the named authority vouches for gets the events, and no other's`, async (t) => {
    await using receiver = await serving('server');
    t.is(await sent(receiver.address, OURS), 'taken');
    t.regex(await sent(receiver.address, {}), /^no authority that is trusted here .* name its file in tls\.ca/u);
    t.regex(await sent(receiver.address, { ca: certificates.cert('other-ca') }), /^no authority that is trusted here/u);
    t.deepEqual(await numbersOf(receiver, 1), [1]);
  });

  test(`${transport}: an expired certificate and one for another name are refused, by their reasons`, async (t) => {
    {
      await using receiver = await serving('expired');
      t.regex(await sent(receiver.address, OURS), /^the receiver's certificate has expired/u);
    }
    await using receiver = await serving('wrong-name');
    t.regex(await sent(receiver.address, OURS), /^the receiver's certificate is for another name.*tls\.server_name/u);
    t.is(await sent(receiver.address, { ...OURS, server_name: 'elsewhere.example' }), 'taken');
  });

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
    test(`${transport}, ${maxVersion}: a receiver that wants a certificate gets ours; without it, or with a stranger's, nothing counts as taken`, async (t) => {
      await using receiver = await serving('server', { ...ASKING, maxVersion });
      const client = (name: string): object => ({
        ...OURS,
        cert: certificates.cert(name),
        key: certificates.key(name),
      });
      for (const tls of [OURS, client('other-client')])
        t.regex(
          await sent(receiver.address, tls),
          /^the receiver (?:does not take the agent's certificate|ended the connection)/u,
        );
      t.is(await sent(receiver.address, client('client')), 'taken');
      t.deepEqual(await numbersOf(receiver, 1), [1]);
    });

  test(`${transport}: a receiver that does not speak TLS, or wants it, is named`, async (t) => {
    {
      await using receiver = await new Receiver().listen();
      const output = await outputFor({ transport, address: receiver.address, tls: OURS, timeout: '500ms' });
      const outcome = (await output.send(batchFor(output, ITEMS))) as { kind: string; reason: string };
      // It may also wait for more of what looks like the begin of a message.
      t.regex(outcome.reason, /^the receiver (?:does not speak TLS there|ended the connection)|\(timeout\)$/u);
    }
    await using receiver = await serving('server');
    await using output = await outputFor({ transport, address: receiver.address, timeout: '1s' });
    const reasons: string[] = [];
    for (let i = 0; i < 2; i++) {
      const outcome = await output.send(batchFor(output, ITEMS));
      reasons.push(outcome.kind === 'retry' ? outcome.reason : outcome.kind);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    // Without acknowledgements it shows only afterwards.
    t.regex(reasons[1]!, /^the receiver (?:ended the connection|answers, which)|RELP/u, reasons.join('\n'));
    t.is(reasons.includes('taken'), transport === 'tcp');
    t.deepEqual(receiver.messages, []);
  });

  test(`${transport}: certificates that are replaced are used with the next batch, and while they are bad nothing is lost`, async (t) => {
    await using receiver = await serving('server');
    const ca = join(emptyFolder(), 'ca');
    copyFileSync(certificates.cert('other-ca'), ca);
    await using output = await outputFor({ transport, address: receiver.address, tls: { ca } });
    const send = async (): Promise<string> => {
      const outcome = await output.send(batchFor(output, ITEMS));
      return outcome.kind === 'taken' ? 'taken' : outcome.reason;
    };
    t.regex(await send(), /^no authority/u);
    writeFileSync(ca, 'half a file');
    t.regex(await send(), /^tls\.ca, .* holds no certificates/u);
    t.regex(await send(), /^tls\.ca, .* holds no certificates/u, 'and it is said again');
    copyFileSync(certificates.cert('ca'), ca);
    t.is(await send(), 'taken');
    const before = receiver.connections;
    copyFileSync(certificates.cert('other-ca'), ca);
    t.regex(await send(), /^no authority/u, 'a connection of the old ones is not used any more');
    copyFileSync(certificates.cert('ca'), ca);
    t.is(await send(), 'taken');
    t.is(receiver.connections, before + 1);
  });

  test(`${transport}: files that are no certificates keep the output from opening`, async (t) => {
    const garbage = join(emptyFolder(), 'garbage');
    writeFileSync(garbage, 'garbage\n');
    for (const [tls, reason] of [
      [{ ca: garbage }, /^tls\.ca, .*garbage, holds no certificates in PEM/u],
      [{ ca: `${garbage}.none` }, /^cannot read .*none: no such file/u],
      [{ cert: certificates.cert('client'), key: garbage }, /^tls\.cert, .* do not go together/u],
    ] as const)
      await t.throwsAsync(outputFor({ transport, address: 'a.example:1', tls }), { message: reason });
  });
}

test('what is not protected or not acknowledged is said once', async (t) => {
  for (const [more, expected] of [
    [{ transport: 'relp', address: 'logs.example:1' }, ['OutputUnprotected']],
    [{ transport: 'relp', address: 'logs.example:1', tls: {} }, []],
    [{ transport: 'relp', address: 'logs.example:1', tls: { verify: false } }, ['OutputUnprotected']],
    [{ transport: 'relp', address: '127.0.0.1:1' }, []],
    [{ transport: 'relp', address: '[::1]:1' }, []],
    [{ transport: 'tcp', address: 'logs.example:1' }, ['OutputUnprotected', 'OutputUnacknowledged']],
    [{ transport: 'tcp', address: 'localhost:1' }, ['OutputUnacknowledged']],
    [{ transport: 'unix', path: '/run/x' }, ['OutputUnacknowledged']],
  ] as const) {
    await using output = await outputFor(more);
    await output.close();
    await output.open();
    t.deepEqual(
      output.raised.map(({ event }) => event),
      [...expected],
      JSON.stringify(more),
    );
    t.true(output.raised.every(({ level }) => level === 'warn'));
  }
});
