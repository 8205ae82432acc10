import { follow } from './api.ts';
import { MAX_ALERTS } from './bounds.ts';
import { byId, clock, make, rove, say } from './dom.ts';
import { badge, detailsOf } from './event-details.ts';
import { readLine, worst, type ShownEvent } from './event-model.ts';
import { Rows, unfolding } from './rows.ts';
import { formatCount } from '../view/quantities.ts';

/** How far back alerts are shown when the page opens; the agent has perhaps less. */
const LOOK_BACK = '1h';

const DRAW_MS = 500;
const AGAIN_MS = 2000;

/** Alerts are said aloud at most so often, in milliseconds. */
const ANNOUNCE_MS = 10_000;

/** The list of alerts, which no filter and no rate leaves out. */
export class AlertsView {
  readonly #rows = new Rows(byId('alerts'), MAX_ALERTS);
  readonly #onAlert: (event: ShownEvent) => void;
  /** The newest, by what tells alerts apart: after a broken connection the agent sends some again. */
  readonly #seen = new Set<string>();
  #waiting: ShownEvent[] = [];
  #unsaid = 0;
  #saidAt = -Infinity;
  readonly #openedAt = Date.now();
  #passedBy = 0;

  constructor(onAlert: (event: ShownEvent) => void) {
    this.#onAlert = onAlert;
    rove(byId('alerts'));
    setInterval(() => this.#draw(), DRAW_MS);
  }

  start(): void {
    const signal = new AbortController().signal;
    const onLines = (lines: readonly string[]): void => lines.forEach((line) => this.#take(line));
    follow({ alerts: '1', explain: '1', since: LOOK_BACK }, { signal, onLines, onOpen: () => undefined }).catch(() =>
      setTimeout(() => this.start(), AGAIN_MS),
    );
  }

  #take(text: string): void {
    const line = readLine(text);
    if (line.kind !== 'event') return;
    const { event } = line;
    const key = `${event.time} ${event.seq} ${event.pid}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    if (this.#seen.size > 4 * MAX_ALERTS) this.#seen.delete(this.#seen.values().next().value!);
    this.#onAlert(event);
    this.#waiting.push(event);
    if (this.#waiting.length > 2 * MAX_ALERTS) {
      this.#waiting = this.#waiting.slice(-MAX_ALERTS);
      this.#passedBy += MAX_ALERTS;
    }
    if (Date.parse(event.time) > this.#openedAt) this.#unsaid++;
  }

  #draw(): void {
    const newest = this.#waiting.at(-1);
    const isHeld = this.#rows.isRead;
    if (newest !== undefined) this.#announce(newest);
    say(
      byId('alerts-note'),
      isHeld && this.#waiting.length > 0
        ? `held while you read: ${formatCount(this.#waiting.length + this.#passedBy)} new`
        : '',
    );
    if (newest === undefined || isHeld) return;
    this.#rows.add(this.#waiting.map(rowOf));
    this.#waiting = [];
    this.#passedBy = 0;
    byId('alerts-empty').hidden = true;
  }

  #announce(newest: ShownEvent): void {
    const now = performance.now();
    if (this.#unsaid === 0 || now - this.#saidAt < ANNOUNCE_MS) return;
    const titles = newest.rules.map(({ title, level }) => `${title}, ${level}`).join('; ');
    say(byId('announce'), `${this.#unsaid === 1 ? 'An alert' : `${this.#unsaid} alerts, the newest`}: ${titles}`);
    this.#saidAt = now;
    this.#unsaid = 0;
  }
}

function rowOf(event: ShownEvent): HTMLElement {
  const level = worst(event.rules.map((rule) => rule.level)) ?? 'high';
  return unfolding(
    [
      make(
        'div',
        { class: 'alert-head' },
        badge(level),
        make('span', { class: 'title' }, event.rules.map(({ title }) => title).join('; ')),
        make('time', { datetime: event.time }, clock(event.time)),
      ),
      make(
        'div',
        { class: 'under' },
        make('span', { class: 'code one' }, `${event.user}  ${event.pid}  ${event.line}`),
      ),
    ],
    'is-alert',
    () => detailsOf(event),
  );
}
