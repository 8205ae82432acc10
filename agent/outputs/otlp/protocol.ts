import type { Identity } from '../../formats/identified.ts';
import type { Part } from '../network/parts.ts';
import type { Reply } from '../web/exchange.ts';
import type { Judgement, WebProtocol, WebRequest } from '../web/protocol.ts';
import { judgeStatus, patience, reasonIn } from '../web/status.ts';
import { logsAddress, type OtlpOutputConfig } from './config.ts';
import { JsonEncoder } from './json-encoder.ts';
import { ProtobufEncoder } from './protobuf/encoder.ts';
import { RecordReader, sourceOf } from './record-reader.ts';
import type { Encoder } from './record.ts';
import { failureText, responseOf } from './reply.ts';

const ENCODERS = { protobuf: ProtobufEncoder, json: JsonEncoder } as const;

const REJECTED = 'the receiver rejected it (partial success)';

/** OTLP over HTTP, for logs. */
export class OtlpProtocol implements WebProtocol {
  readonly #config: OtlpOutputConfig;
  readonly #address: URL;
  readonly #onWarning: () => void;
  #encoding: { readonly encoder: Encoder; readonly reader: RecordReader } | undefined;

  /** @param onWarning the receiver took everything and has something to say about it */
  constructor(config: OtlpOutputConfig, onWarning: () => void) {
    this.#config = config;
    this.#address = logsAddress(config.url);
    this.#onWarning = onWarning;
  }

  requestFor(part: Part, identity: Identity): WebRequest {
    const { encoding, headers } = this.#config;
    this.#encoding ??= { encoder: new ENCODERS[encoding](sourceOf(identity)), reader: new RecordReader(identity) };
    const { encoder, reader } = this.#encoding;
    return {
      address: this.#address,
      method: 'POST',
      headers: { 'Content-Type': encoder.contentType, ...headers },
      body: encoder.encode(part.records, (i) => reader.read(part, i)),
    };
  }

  judge(reply: Reply, part: Part): Judgement {
    const judgement = judgeStatus(reply);
    switch (judgement.kind) {
      case 'taken':
        return this.#judgeResponse(reply, part);
      case 'refused':
      case 'too_large':
        // The text of the status is what a person can read of a reply in protobuf.
        return part.records === 1 ? allRefused(part, judgement.reason, this.#failureIn(reply)) : judgement;
      default:
        return judgement;
    }
  }

  #judgeResponse(reply: Reply, part: Part): Judgement {
    const type = reply.headers['content-type'];
    const response = reply.isCut ? undefined : responseOf(reply.body, type, this.#config.encoding);
    if (response === undefined) {
      const reason = `${reasonIn(reply)}, but the reply is not one of OTLP, so nothing counts as taken; see url`;
      return { kind: 'retry', reason, ...patience(reply) };
    }
    const { rejected, message } = response;
    if (rejected === 0) {
      if (message !== '') this.#onWarning();
      return { kind: 'taken' };
    }
    // It says how many, not which: where it is not all of them, smaller parts tell.
    const isAll = rejected === part.records || part.records === 1;
    return isAll ? allRefused(part, REJECTED, message) : { kind: 'refused', reason: REJECTED };
  }

  #failureIn({ body, headers }: Reply): string {
    return failureText(body, headers['content-type'], this.#config.encoding);
  }
}

/** Each record of a part is refused for good. */
function allRefused({ records }: Part, reason: string, reply: string): Judgement {
  return { kind: 'judged', refused: Array.from({ length: records }, (_, at) => ({ at, reason, reply })) };
}
