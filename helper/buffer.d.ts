/**
 * The functions behind `toString` and `write` of Buffer. Node.js has always had them, but its types lack them. Without
 * a just-in-time compiler, the code that `toString` and `write` run first takes longer than these functions.
 */
interface Buffer {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
  /** @returns bytes written, at most `bytes` */
  latin1Write(text: string, start: number, bytes: number): number;
  /** @returns bytes written, at most `bytes` */
  utf8Write(text: string, start: number, bytes: number): number;
}
