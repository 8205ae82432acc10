import type { ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { keepOpen } from '../server/listener.ts';
import { says, type Answer, type Asked } from '../server/answer.ts';
import type { Recent } from '../recent/recent.ts';
import type { Explanations } from './explanations.ts';
import { LOOK_MS, MAX_STREAMS, PACE_MS } from './limits.ts';
import { SelectionError, selectionOf, type Selection } from './selection.ts';
import { EventStream } from './stream.ts';

/** All readers of the event stream. One timer serves them, while there are any. */
export class Streams {
  readonly #recent: Recent;
  readonly #explanations: Explanations;
  readonly #streams = new Map<EventStream, ServerResponse>();
  #timer: NodeJS.Timeout | undefined;
  #first = 0;

  constructor(recent: Recent, explanations: Explanations) {
    this.#explanations = explanations;
    this.#recent = recent;
  }

  /** Readers now. */
  get size(): number {
    return this.#streams.size;
  }

  /** Answers a request with events as they come, one JSON object a line. */
  readonly answer = ({ query, request, response }: Asked): Answer | undefined => {
    let selection: Selection;
    try {
      selection = selectionOf(query);
    } catch (error) {
      if (error instanceof SelectionError) return says(400, error.message);
      throw error;
    }
    if (this.#streams.size >= MAX_STREAMS)
      return says(503, `${MAX_STREAMS} readers are connected already; end one of them`);
    keepOpen(request.socket);
    response.shouldKeepAlive = false;
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    response.flushHeaders();
    const stream = new EventStream(this.#recent, selection, response, this.#explanations);
    this.#streams.set(stream, response);
    response.once('close', () => this.#end(stream));
    response.on('error', () => undefined);
    this.#start();
    void this.#pump(stream);
    return undefined;
  };

  /** Sends the lines that are held at once, however many, and not at the pace of new events. */
  async #pump(stream: EventStream): Promise<void> {
    while (this.#streams.has(stream) && this.#send(stream, LOOK_MS)) await turn();
  }

  /** @returns whether there is more to send now */
  #send(stream: EventStream, forMs: number): boolean {
    const more = stream.pump(performance.now() + forMs);
    if (stream.isDone) this.#streams.get(stream)?.end();
    return more;
  }

  #start(): void {
    this.#timer ??= setInterval(() => this.#round(), PACE_MS).unref();
  }

  /** Each has its share of the time, and each is the first in its turn. */
  #round(): void {
    const all = [...this.#streams.keys()];
    const share = LOOK_MS / all.length;
    this.#first++;
    const now = performance.now();
    for (let i = 0; i < all.length; i++) {
      const stream = all[(i + this.#first) % all.length]!;
      if (stream.isStalled(now)) this.#streams.get(stream)?.destroy();
      else this.#send(stream, share);
    }
  }

  #end(stream: EventStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
