import { Receiver, type Answer, type Received } from '../receiver.ts';
import { requestIn, type SeenRequest } from './reader.ts';

/** Stands in for a receiver of OTLP over HTTP: reads what comes as such a receiver does, and answers as a test wants. */
export class OtlpReceiver extends Receiver {
  protected override eventsOf(received: Received): readonly Record<string, unknown>[] {
    return eventsOf(received);
  }
}

/** The request that came. @throws where it is none of OTLP */
export const seenIn = ({ data, headers }: Received): SeenRequest => requestIn(data, headers['content-type']);

/** The events in the bodies of the records. */
export function eventsOf(received: Received): Record<string, unknown>[] {
  return seenIn(received).records.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
}

/** An ExportLogsServiceResponse that rejects so many records, in protobuf or JSON. */
export function partialSuccess(encoding: 'protobuf' | 'json', rejected: bigint, message: string): Buffer {
  if (encoding === 'json')
    return Buffer.from(
      JSON.stringify({ partialSuccess: { rejectedLogRecords: String(rejected), errorMessage: message } }),
    );
  const partial = Buffer.concat([Buffer.from([0x08]), varint(rejected), field(2, Buffer.from(message))]);
  return field(1, partial);
}

/** A google.rpc.Status with a message. */
export const failure = (message: string): Buffer =>
  Buffer.concat([Buffer.from([0x08, 3]), field(2, Buffer.from(message))]);

/** Takes all records except those that are bad, and says how many these are. */
export const rejecting =
  (isBad: (event: Record<string, unknown>) => boolean): Answer =>
  (received, response) => {
    const type = received.headers['content-type']!;
    const events = eventsOf(received);
    const bad = events.filter(isBad).length;
    const body =
      bad === 0 ? '' : partialSuccess(type.includes('json') ? 'json' : 'protobuf', BigInt(bad), 'too old: hunter2');
    response.writeHead(200, { 'Content-Type': type }).end(body);
    return events.filter((event) => !isBad(event));
  };

function field(number: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([number * 8 + 2]), varint(BigInt(value.length)), value]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}
