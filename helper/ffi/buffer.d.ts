/**
 * The two decoders behind `Buffer.prototype.toString`, which Node.js has always
 * had and its types leave out. Without a just-in-time compiler, what toString does
 * before it calls them takes longer than they do.
 */
interface Buffer {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
}
