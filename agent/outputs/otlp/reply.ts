import { isObject } from '../../../shared/events/fields.ts';
import type { Encoding } from './encoding.ts';
import { fieldsOf } from './protobuf/fields.ts';

/** The body of a reply with a status of success: ExportLogsServiceResponse. */
export interface Response {
  /** How many records it did not take. Which ones it cannot say. */
  readonly rejected: number;
  /** Its own words; empty where there are none. */
  readonly message: string;
}

const FULL_SUCCESS: Response = { rejected: 0, message: '' };

const CONTENT_TYPES: ReadonlyMap<string, Encoding> = new Map([
  ['application/x-protobuf', 'protobuf'],
  ['application/protobuf', 'protobuf'],
  ['application/json', 'json'],
]);

/**
 * How a reply is encoded, by its Content-Type; without one, as the request was.
 * @returns undefined for what OTLP does not know
 */
function encodingOf(contentType: string | undefined, ofRequest: Encoding): Encoding | undefined {
  if (contentType === undefined) return ofRequest;
  return CONTENT_TYPES.get(contentType.split(';', 1)[0]!.trim().toLowerCase());
}

/** @returns undefined where it is no such message */
export function responseOf(body: Buffer, contentType: string | undefined, ofRequest: Encoding): Response | undefined {
  // The whole success of protobuf has no bytes. Receivers of JSON send nothing too.
  if (body.length === 0) return FULL_SUCCESS;
  return attempt(() => {
    switch (encodingOf(contentType, ofRequest)) {
      case 'protobuf':
        return responseOfProtobuf(body);
      case 'json':
        return responseOfJson(body);
      default:
        return undefined;
    }
  });
}

/** The message of a google.rpc.Status, which comes with a status of failure; the text as it is where it is none. */
export function failureText(body: Buffer, contentType: string | undefined, ofRequest: Encoding): string {
  const message = attempt(() => {
    switch (encodingOf(contentType, ofRequest)) {
      case 'protobuf':
        return textIn(body, 2);
      case 'json':
        return textBelow(objectIn(body), 'message');
      default:
        return undefined;
    }
  });
  return message ?? body.toString();
}

function responseOfProtobuf(body: Buffer): Response | undefined {
  let { rejected, message } = FULL_SUCCESS;
  for (const { number, value } of fieldsOf(body)) {
    if (number !== 1) continue;
    if (!Buffer.isBuffer(value)) return undefined;
    for (const field of fieldsOf(value)) {
      if (field.number === 1) rejected = typeof field.value === 'bigint' ? Number(BigInt.asIntN(64, field.value)) : NaN;
      if (field.number === 2) message = Buffer.isBuffer(field.value) ? field.value.toString() : '';
    }
  }
  return checked(rejected, message);
}

function responseOfJson(body: Buffer): Response | undefined {
  const response = objectIn(body);
  // Names as in the .proto files are no valid OTLP. A receiver that writes them has rejected something all the same.
  const partial = response['partialSuccess'] ?? response['partial_success'] ?? {};
  if (!isObject(partial)) return undefined;
  const rejected = partial['rejectedLogRecords'] ?? partial['rejected_log_records'] ?? 0;
  const message = partial['errorMessage'] ?? partial['error_message'] ?? '';
  // int64 is text in JSON, and a number is taken as well.
  const isNumber = typeof rejected === 'number' || (typeof rejected === 'string' && /^-?\d{1,20}$/u.test(rejected));
  return isNumber && typeof message === 'string' ? checked(Number(rejected), message) : undefined;
}

/** A number below 0, or a part of a record, is no answer. */
function checked(rejected: number, message: string): Response | undefined {
  return rejected >= 0 && Number.isInteger(rejected) ? { rejected, message } : undefined;
}

/** @throws where it is no JSON object */
function objectIn(body: Buffer): Record<string, unknown> {
  const value: unknown = JSON.parse(body.toString());
  if (!isObject(value)) throw new TypeError('no object');
  return value;
}

function textIn(message: Buffer, wanted: number): string | undefined {
  let text: string | undefined;
  for (const { number, value } of fieldsOf(message))
    if (number === wanted && Buffer.isBuffer(value)) text = value.toString();
  return text;
}

function textBelow(object: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = object[name];
  return typeof value === 'string' ? value : undefined;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
