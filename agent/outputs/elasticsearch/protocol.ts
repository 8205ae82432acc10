import { typeIn } from '../../formats/line-fields.ts';
import type { Identity } from '../../formats/identified.ts';
import { createHash } from 'node:crypto';
import type { Part, RefusedRecord, Verdict } from '../network/parts.ts';
import { recordId } from '../network/record-id.ts';
import type { Reply } from '../web/exchange.ts';
import { merged } from '../web/client.ts';
import type { Judgement, WebProtocol, WebRequest } from '../web/protocol.ts';
import { judgeStatus, patience } from '../web/status.ts';
import { DATA_STREAM, type ElasticsearchOutputConfig } from './config.ts';
import { verdictOf } from './item-verdict.ts';
import { errorIn, resultsIn, type ItemResult } from './reply.ts';

/** The parts of a reply that are read. Without this, it is several times as long. */
const FILTER_PATH = 'errors,error.type,items.*._id,items.*.status,items.*.error.type';

/** Room for a reply: so much, and so much for each document, whose id alone may have 512 bytes. */
const REPLY_BYTES = 64 * 1024;
const REPLY_BYTES_PER_DOCUMENT = 1024;

/** A reply that would be longer leads to smaller requests. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/**
 * Errors of a whole request that are about its address, its index or its parameters. Their status is 400, as if a document were to
 * blame; but documents are not looked at before each has a result of its own.
 */
const NOT_ABOUT_DOCUMENTS: ReadonlySet<string> = new Set([
  'illegal_argument_exception',
  'index_closed_exception',
  'invalid_index_name_exception',
  'parse_exception',
  'validation_exception',
]);

/** The longest `_id` that Elasticsearch takes, in bytes. */
const MAX_ID_BYTES = 512;

/** A record of a part, and the id that it is sent under. */
interface Document {
  readonly at: number;
  readonly id: string;
}

/** The fate of a record that is settled: taken, or refused. */
type Settled = 'taken' | Omit<RefusedRecord, 'at'>;

/**
 * Bulk requests of `create` actions. Each document has a result of its own in the reply: those that the receiver has no room for just
 * now are sent again, without those that it has.
 *
 * Elasticsearch: docs-bulk. OpenSearch: the same.
 */
export class BulkProtocol implements WebProtocol {
  readonly #address: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #target: string;
  #identity: Identity | undefined;
  /**
   * Records behind the first one that has to be sent again, by their ids. They stay until that one is settled, and are of one
   * batch, since the next one comes only then.
   */
  readonly #settled = new Map<string, Settled>();
  /** The documents of the last part. */
  #named: { readonly part: Part; readonly documents: readonly Document[] } | undefined;
  /** The documents that were sent last, without the settled ones. */
  #sent: readonly Document[] = [];

  constructor({ url, headers, data_stream: stream = DATA_STREAM, index = stream }: ElasticsearchOutputConfig) {
    this.#address = new URL(url);
    this.#address.pathname = `${this.#address.pathname.replace(/\/+$/u, '')}/_bulk`;
    this.#address.searchParams.set('filter_path', FILTER_PATH);
    this.#headers = merged({ 'Content-Type': 'application/x-ndjson' }, headers);
    this.#target = JSON.stringify(index);
  }

  known(part: Part): Verdict | undefined {
    if (this.#settled.size === 0) return undefined;
    const documents = this.#documentsOf(part);
    return documents.every(({ id }) => this.#settled.has(id)) ? this.#pass(documents, new Map()) : undefined;
  }

  requestFor(part: Part, identity: Identity): WebRequest {
    this.#identity = identity;
    this.#sent = this.#documentsOf(part).filter(({ id }) => !this.#settled.has(id));
    const pieces: Buffer[] = [];
    for (const { at, id } of this.#sent)
      pieces.push(Buffer.from(`{"create":{"_index":${this.#target},"_id":${JSON.stringify(id)}}}\n`), lineOf(part, at));
    return {
      address: this.#address,
      method: 'POST',
      headers: this.#headers,
      body: Buffer.concat(pieces),
      maxReplyBytes: Math.min(MAX_REPLY_BYTES, REPLY_BYTES + this.#sent.length * REPLY_BYTES_PER_DOCUMENT),
    };
  }

  judge(reply: Reply, part: Part): Judgement {
    const judgement = judgeStatus(reply);
    if (judgement.kind !== 'taken') {
      const error = errorIn(reply);
      if (error === undefined) return judgement;
      const reason = `${judgement.reason}, ${error}`;
      return judgement.kind === 'refused' && NOT_ABOUT_DOCUMENTS.has(error)
        ? { kind: 'retry', reason: `${reason}: see url, its parameters, and the name of the index or data stream` }
        : { ...judgement, reason };
    }
    if (reply.isCut) return { kind: 'reply_too_long', reason: 'the reply is longer than such a request can have' };
    const results = resultsIn(
      reply,
      this.#sent.map(({ id }) => id),
    );
    if (typeof results === 'string') return { kind: 'retry', reason: `status ${reply.status}, but ${results}` };
    return this.#judgeEach(results, part, reply);
  }

  #judgeEach(results: readonly ItemResult[], part: Part, reply: Reply): Judgement {
    const reasons = new Map<string, string>();
    let unauthorized: string | undefined;
    for (const [i, result] of results.entries()) {
      const { id } = this.#sent[i]!;
      const verdict = verdictOf(result);
      if (verdict.kind === 'taken') this.#settled.set(id, 'taken');
      else if (verdict.kind === 'refused') this.#settled.set(id, { reason: verdict.reason, reply: result.said() });
      else {
        reasons.set(id, verdict.reason);
        if (verdict.kind === 'unauthorized') unauthorized = verdict.reason;
      }
    }
    // With nothing settled, other credentials may be at hand.
    if (unauthorized !== undefined && reasons.size === results.length)
      return { kind: 'unauthorized', reason: unauthorized, ...patience(reply) };
    return this.#pass(this.#documentsOf(part), reasons, reply);
  }

  /** The verdict of a part of which everything is settled up to the first document with a reason. What is before it is forgotten. */
  #pass(
    documents: readonly Document[],
    reasons: ReadonlyMap<string, string>,
    reply?: Reply,
  ): Extract<Verdict, { kind: 'judged' }> {
    const refused: RefusedRecord[] = [];
    const passed: string[] = [];
    for (const { at, id } of documents) {
      const settled = this.#settled.get(id);
      if (settled === undefined) {
        for (const done of passed) this.#settled.delete(done);
        const again = { from: at, reason: reasons.get(id)!, ...(reply === undefined ? {} : patience(reply)) };
        return { kind: 'judged', refused, again };
      }
      if (settled !== 'taken') refused.push({ at, ...settled });
      passed.push(id);
    }
    for (const done of passed) this.#settled.delete(done);
    return { kind: 'judged', refused };
  }

  #documentsOf(part: Part): readonly Document[] {
    if (this.#named?.part !== part) {
      const documents = Array.from({ length: part.records }, (_, at) => ({ at, id: idOf(part, at, this.#identity!) }));
      this.#named = { part, documents };
    }
    return this.#named.documents;
  }

  close(): void {
    this.#settled.clear();
    this.#named = undefined;
    this.#sent = [];
  }
}

/** The `_id` of record `i` of a part. */
function idOf(part: Part, i: number, identity: Identity): string {
  const line = lineOf(part, i);
  const id = recordId(part, i, line, typeIn(line), identity).toWellFormed();
  return Buffer.byteLength(id) <= MAX_ID_BYTES ? id : createHash('sha256').update(id).digest('hex');
}

function lineOf({ lines, endOf }: Part, i: number): Buffer {
  return lines.subarray(i === 0 ? 0 : endOf(i - 1), endOf(i));
}
