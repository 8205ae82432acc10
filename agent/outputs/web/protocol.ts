import type { Identity } from '../../formats/identified.ts';
import type { Part, Verdict } from '../network/parts.ts';
import type { Reply } from './exchange.ts';

/** One request. */
export interface WebRequest {
  readonly address: URL;
  readonly method: string;
  /** Further headers, over those that are always sent. */
  readonly headers: Readonly<Record<string, string>>;
  /** Before compression. */
  readonly body: Buffer;
  /** The most that is read of the reply. Left out: 64 KiB. */
  readonly maxReplyBytes?: number;
}

/** The fate of a request. */
export type Judgement =
  | Verdict
  /** The receiver does not believe who we are. */
  | { readonly kind: 'unauthorized'; readonly reason: string; readonly afterMs?: number }
  /** There is too much of it, or this one record is too large. */
  | { readonly kind: 'too_large'; readonly reason: string }
  /** The reply cannot be read to its end: nothing is known to be taken, and a smaller part would have a shorter reply. */
  | { readonly kind: 'reply_too_long'; readonly reason: string };

/** The part of an output over HTTP that is its own: its requests, and how it reads replies. */
export interface WebProtocol {
  /** How a part is sent. Called again when it is sent again. */
  requestFor(part: Part, identity: Identity): WebRequest;
  /** How a reply to such a request is read. Must not throw, whatever the reply holds. */
  judge(reply: Reply, part: Part): Judgement;
  /** The verdict where it is known without a request; undefined where it is not. */
  known?(part: Part): Verdict | undefined;
  /** Frees what is kept between requests. */
  close?(): void;
}
