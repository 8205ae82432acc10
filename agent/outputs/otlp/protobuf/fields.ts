import { FIXED32, FIXED64, LENGTH, VARINT } from './wire.ts';

/** A field of a message: a number for VARINT, bytes for LENGTH, nothing for what no message here uses. */
export interface Field {
  readonly number: number;
  readonly value: bigint | Buffer | undefined;
}

const MAX_FIELD = 2n ** 29n - 1n;
const MAX_VARINT_BYTES = 10;

/**
 * The fields of a message, in order.
 * @throws where it is no protobuf; groups, which nobody writes any more, count as none
 */
export function* fieldsOf(message: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError('a number is cut off');
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError('a number has too many bytes');
  };
  const bytes = (length: bigint): Buffer => {
    if (length > BigInt(message.length - at)) throw new RangeError('a field is cut off');
    return message.subarray(at, (at += Number(length)));
  };
  while (at < message.length) {
    const tag = varint();
    const number = tag >> 3n;
    if (number === 0n || number > MAX_FIELD) throw new RangeError('a field has an impossible number');
    let value: Field['value'];
    switch (Number(tag & 7n)) {
      case VARINT:
        value = varint();
        break;
      case LENGTH:
        value = bytes(varint());
        break;
      case FIXED64:
        bytes(8n);
        break;
      case FIXED32:
        bytes(4n);
        break;
      default:
        throw new RangeError('a field has an impossible type');
    }
    yield { number: Number(number), value };
  }
}
