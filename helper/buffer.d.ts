/**
 * The functions behind `toString` and `write` of Buffer, which Node.js has always
 * had and its types leave out. Without a just-in-time compiler, what is done
 * before they are called takes longer than they do.
 */
interface Buffer {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
  /** @returns bytes written, at most `bytes` */
  utf8Write(text: string, start: number, bytes: number): number;
}
