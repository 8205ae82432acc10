import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import test from 'ava';
import { createOutput, outputSchema } from '../../../agent/outputs/kinds.ts';
import { Certificates } from '../../support/certificates.ts';
import { formattedBatch } from '../support/batches.ts';
import { exec } from '../support/items.ts';
import { recordingTelemetry } from '../support/telemetry.ts';

const certificates = new Certificates();
test.after.always(() => certificates[Symbol.dispose]());

/** How each output is told where its receiver is. */
const AT: Readonly<Record<string, (address: string) => object>> = {
  elasticsearch: (address) => ({ url: `https://${address}/` }),
  http: (address) => ({ url: `https://${address}/` }),
  kafka: (address) => ({ brokers: [address], topic: 'probes' }),
  loki: (address) => ({ url: `https://${address}/` }),
  nats: (address) => ({ servers: [`tls://${address}`], subject: 'probes', tls_first: true }),
  otlp: (address) => ({ url: `https://${address}/` }),
  syslog: (address) => ({ transport: 'relp', address }),
};

test('every output that can use TLS is among those of this file', (t) => {
  const types = outputSchema.options.filter(({ shape }) => 'tls' in shape).map(({ shape }) => shape.type.value);
  t.deepEqual(types.toSorted(), Object.keys(AT));
});

/** The name that an output tells a receiver in TLS (RFC 6066, section 3), and one at an address without a name. */
async function namesOf(type: string, host: string, tls: object): Promise<unknown[]> {
  const names: unknown[] = [];
  const server = createServer(certificates.shown('server'), (socket) => {
    names.push(socket.servername);
    socket.on('error', () => undefined).destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `${host}:${(server.address() as AddressInfo).port}`;
  const config = {
    type,
    name: 'soc',
    timeout: '5s',
    tls: { ca: certificates.cert('ca'), ...tls },
    ...AT[type]!(address),
  };
  const output = await createOutput(outputSchema.parse(config), recordingTelemetry().telemetry);
  try {
    await output.open();
    await output.send(formattedBatch(output.format!, [exec(1)]));
  } finally {
    await output.close();
    await new Promise((resolve) => server.close(resolve));
  }
  return [...new Set(names)];
}

for (const type of Object.keys(AT))
  test(`${type}: a receiver is told the name that it is reached by, so that it can show the right certificate`, async (t) => {
    t.deepEqual(await namesOf(type, 'localhost', {}), ['localhost']);
    t.deepEqual(await namesOf(type, 'localhost', { server_name: 'other.example', verify: false }), ['other.example']);
    t.deepEqual(await namesOf(type, '127.0.0.1', {}), [false], 'an address is no name');
  });
