import type { ServerResponse } from 'node:http';
import { Receiver, type Received } from '../../../support/receiver.ts';

/** A document of a bulk request. */
export interface Sent {
  readonly index: string;
  readonly id: string;
  readonly source: Readonly<Record<string, unknown>>;
}

/** The result of one document: a status, and the type of its error. */
export type Result = number | readonly [status: number, error: string];

interface Item {
  readonly create: { readonly _id: string; readonly status: number; readonly error?: { readonly type: string } };
}

/** The answer in place of a good reply; undefined for a good one. */
type Spoil = (items: readonly Item[], response: ServerResponse) => string | void;

/** The documents of a bulk request. @throws where it is none */
export function documentsIn(body: string): Sent[] {
  if (!body.endsWith('\n')) throw new Error('a bulk request ends with a newline');
  const lines = body.slice(0, -1).split('\n');
  return lines
    .filter((_, i) => i % 2 === 0)
    .map((line, i) => {
      const { create } = JSON.parse(line) as { create: { _index: string; _id: string } };
      return { index: create['_index'], id: create['_id'], source: JSON.parse(lines[2 * i + 1]!) as Sent['source'] };
    });
}

/**
 * A stand-in for Elasticsearch's bulk endpoint: keeps documents by their ids, answers 409 for what it has, and fails as a test wants.
 * Made after the documentation of the bulk API; it is not Elasticsearch.
 */
export class StandIn extends Receiver {
  /** By id, in the order in which they came. */
  readonly documents = new Map<string, Sent>();
  /** How often each id was sent. */
  readonly attempts = new Map<string, number>();
  /** The status for a document that is not there yet; 201 where it says nothing. */
  decide: (sent: Sent, attempt: number) => Result | undefined = () => undefined;
  /** Changes the reply, after documents were kept. */
  readonly spoils: Spoil[] = [];

  override answer = (received: Received, response: ServerResponse): void => {
    const items = documentsIn(received.body).map((sent) => this.#create(sent));
    const spoiled = this.spoils.shift()?.(items, response);
    if (response.writableEnded || response.headersSent || response.destroyed) return;
    response.setHeader('Content-Type', 'application/json');
    response.end(spoiled ?? JSON.stringify({ errors: items.some(({ create }) => create.status > 299), items }));
  };

  get address(): string {
    return this.url.replace('/events', '');
  }

  /** Numbers of events and ranges of gaps that it has, in ECS. */
  get numbers(): unknown[] {
    return [...this.documents.values()].map(({ source }) => {
      const { event, probes } = source as {
        event: { sequence?: number };
        probes: { gap?: { first: number; last: number } };
      };
      return event.sequence ?? (probes.gap === undefined ? undefined : `${probes.gap.first}-${probes.gap.last}`);
    });
  }

  #create(sent: Sent): Item {
    const attempt = (this.attempts.get(sent.id) ?? 0) + 1;
    this.attempts.set(sent.id, attempt);
    if (this.documents.has(sent.id)) return itemOf(sent.id, [409, 'version_conflict_engine_exception']);
    const result = this.decide(sent, attempt) ?? 201;
    if (result === 201 || result === 200) this.documents.set(sent.id, sent);
    return itemOf(sent.id, result);
  }
}

function itemOf(id: string, result: Result): Item {
  const [status, type] = typeof result === 'number' ? [result] : result;
  return { create: { _id: id, status, ...(type === undefined ? {} : { error: { type } }) } };
}
