/** Wire types: https://protobuf.dev/programming-guides/encoding/#structure */
export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH = 2;
export const FIXED32 = 5;

/** The tag of a field, with a number up to 15: it has one byte then. */
export function tag(field: number, wireType: number): number {
  return field * 8 + wireType;
}
