import { isObject } from '../../../shared/events/fields.ts';
import type { Reply } from '../web/exchange.ts';

/** The result of one document in the reply to a bulk request. */
export interface ItemResult {
  readonly status: number;
  /** The type of its error, as far as we know it: nothing else of the receiver's text is repeated in the log. */
  readonly error: string | undefined;
  /** All that the reply says of it, as JSON; empty where it is nested too deeply to be written. */
  readonly said: () => string;
}

/** Types of errors that are repeated. */
const KNOWN_ERRORS: ReadonlySet<string> = new Set([
  'authorization_exception',
  'circuit_breaking_exception',
  'cluster_block_exception',
  'document_parsing_exception',
  'es_rejected_execution_exception',
  'illegal_argument_exception',
  'index_closed_exception',
  'index_not_found_exception',
  'invalid_index_name_exception',
  'json_parse_exception',
  'mapper_parsing_exception',
  'max_bytes_length_exceeded_exception',
  'parse_exception',
  'process_cluster_event_timeout_exception',
  'rejected_execution_exception',
  'security_exception',
  'strict_dynamic_mapping_exception',
  'unavailable_shards_exception',
  'validation_exception',
  'version_conflict_engine_exception',
]);

/**
 * Reads the reply to a bulk request of Elasticsearch or OpenSearch.
 * @param ids of the documents that were sent, in order
 * @returns one result for each; a text that says why, where the reply does not tell what became of each of them
 */
export function resultsIn({ body }: Reply, ids: readonly string[]): readonly ItemResult[] | string {
  const value = parsed(body);
  if (value === undefined) return 'the reply is not JSON';
  const { errors, items } = value;
  if (!Array.isArray(items)) return 'the reply has no list of items';
  if (items.length !== ids.length) return 'the reply has another number of items than were sent';
  const results: ItemResult[] = [];
  for (const [i, item] of (items as unknown[]).entries()) {
    const result = isObject(item) ? item['create'] : undefined;
    if (!isObject(result) || !isStatus(result['status'])) return 'the reply has an item without a status';
    const { _id: id, status, error } = result;
    if (id !== undefined && id !== ids[i]) return 'the reply has its items in another order than they were sent';
    results.push({ status, error: typeIn(error), said: () => textOf(result) });
  }
  if (errors === true && results.every(({ status: code }) => code < 300))
    return 'the reply says that there were errors, and names none';
  return results;
}

function textOf(value: object): string {
  try {
    return JSON.stringify(value);
  } catch {
    // JSON.parse reads what is nested without end, and JSON.stringify has no room for it on the stack.
    return '';
  }
}

/** The type of the error of a whole reply, as far as we know it. */
export function errorIn({ body }: Reply): string | undefined {
  return typeIn(parsed(body)?.['error']);
}

function parsed(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function typeIn(error: unknown): string | undefined {
  const type = isObject(error) ? error['type'] : undefined;
  return typeof type === 'string' && KNOWN_ERRORS.has(type) ? type : undefined;
}

function isStatus(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 200 && (value as number) <= 599;
}
