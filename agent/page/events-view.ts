import { ApiError, follow } from './api.ts';
import { MAX_ROWS, RATE } from './bounds.ts';
import { byId, clock, make, rove, say } from './dom.ts';
import { badge, detailsOf } from './event-details.ts';
import { readLine, worst, type ShownEvent, type ShownGap } from './event-model.ts';
import { Rows, unfolding } from './rows.ts';
import { SampleRate } from './sample-rate.ts';
import { formatCount } from '../view/quantities.ts';

/** Events that wait while somebody reads; the oldest go first. */
const MAX_WAITING = MAX_ROWS;

/** How often rows are drawn, in milliseconds. */
const DRAW_MS = 250;

/** Events that are shown at once when the page opens, if the machine is quiet enough for that. */
const LOOK_BACK = '5m';

const AGAIN_MS = 2000;

/** Events from before the page was opened come in this time, in milliseconds. They are no rate. */
const LOOKING_BACK_MS = 1500;

type Shown = ShownEvent | ShownGap;

/** The list of events as they come, with its filter. */
export class EventsView {
  readonly #rows = new Rows(byId('events'), MAX_ROWS);
  readonly #onEvent: (event: ShownEvent) => void;
  readonly #note = byId('events-note');
  readonly #pause = byId<HTMLButtonElement>('pause');
  readonly #input = byId<HTMLInputElement>('filter');
  readonly #error = byId('filter-error');
  #waiting: Shown[] = [];
  #missedWaiting = 0;
  #paused = false;
  #filter = '';
  #asked = new AbortController();
  readonly #rate = new SampleRate();
  /** In the second that runs: events that this browser was too slow for. */
  #slow = 0;
  #openedAt = -Infinity;
  /** Since the page was opened. */
  #tooLong = 0;

  /** @param onEvent gets every event that comes, paused or not */
  constructor(onEvent: (event: ShownEvent) => void) {
    this.#onEvent = onEvent;
    rove(byId('events'));
    this.#pause.addEventListener('click', () => this.#setPaused(!this.#paused));
    byId('held-show').addEventListener('click', () => this.#showHeld());
    byId('filter-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#apply(this.#input.value.trim());
    });
    byId('filter-clear').addEventListener('click', () => {
      this.#input.value = '';
      this.#apply('');
      this.#input.focus();
    });
    setInterval(() => this.#draw(), DRAW_MS);
    setInterval(() => this.#tellRate(), 1000);
  }

  /** @param looksBack whether events that are held are shown too */
  start(looksBack: boolean): void {
    void this.#follow(this.#asked.signal, looksBack);
  }

  #apply(filter: string): void {
    this.#filter = filter;
    this.#sayWrong('');
    this.#asked.abort();
    this.#asked = new AbortController();
    this.#waiting = [];
    this.#rows.clear();
    say(
      byId('events-empty'),
      filter === '' ? 'Waiting for programs to start.' : 'Waiting for an event that the filter finds.',
    );
    byId('events-empty').hidden = false;
    void this.#follow(this.#asked.signal, true);
  }

  async #follow(signal: AbortSignal, looksBack: boolean): Promise<void> {
    const query = {
      rate: String(RATE),
      ...(this.#filter === '' ? {} : { filter: this.#filter }),
      ...(looksBack ? { since: LOOK_BACK } : {}),
    };
    try {
      await follow(query, {
        signal,
        onOpen: () => {
          this.#openedAt = performance.now();
        },
        onLines: (lines) => {
          if (!signal.aborted) for (const line of lines) this.#take(line);
        },
      });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status === 400) return this.#sayWrong(error.message);
      setTimeout(() => {
        if (!signal.aborted) void this.#follow(signal, false);
      }, AGAIN_MS);
    }
  }

  #sayWrong(reason: string): void {
    this.#error.hidden = reason === '';
    say(this.#error, reason);
    if (reason === '') this.#input.removeAttribute('aria-invalid');
    else this.#input.setAttribute('aria-invalid', 'true');
  }

  #take(text: string): void {
    const line = readLine(text);
    if (line.kind === 'missed') {
      if (line.cause === 'rate') this.#rate.take(0, line.count);
      else if (line.cause === 'too_long') this.#tooLong += line.count;
      else this.#slow += line.count;
    } else if (line.kind === 'event') {
      this.#rate.take(1, 0);
      this.#onEvent(line.event);
      this.#wait(line.event);
    } else if (line.kind === 'gap') this.#wait(line.gap);
  }

  #wait(shown: Shown): void {
    this.#waiting.push(shown);
    if (this.#waiting.length <= 2 * MAX_WAITING) return;
    this.#missedWaiting += this.#waiting.length - MAX_WAITING;
    this.#waiting = this.#waiting.slice(-MAX_WAITING);
  }

  #draw(): void {
    const isHeld = this.#paused || this.#rows.isRead;
    const count = this.#waiting.length + this.#missedWaiting;
    byId('held').hidden = !isHeld || count === 0;
    if (isHeld) {
      const why = this.#paused ? 'Paused' : 'Held while you read';
      say(byId('held-text'), `${why}: ${formatCount(count)} new`);
      return;
    }
    if (count === 0) return;
    this.#rows.add(this.#waiting.slice(-MAX_WAITING).map(rowOf));
    this.#waiting = [];
    this.#missedWaiting = 0;
    byId('events-empty').hidden = true;
  }

  #showHeld(): void {
    this.#setPaused(false);
    const list = byId('events');
    for (const open of list.querySelectorAll<HTMLDetailsElement>('details[open]')) open.open = false;
    list.scrollTop = 0;
    this.#pause.focus();
    this.#draw();
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#pause.setAttribute('aria-pressed', String(paused));
    say(this.#pause, paused ? 'Resume' : 'Pause');
  }

  /** Says how many of how many are shown; the agent tells it once a second. */
  #tellRate(): void {
    this.#rate.tick(performance.now() - this.#openedAt >= LOOKING_BACK_MS);
    const slow = this.#slow;
    this.#slow = 0;
    const late = [
      ...(slow === 0 ? [] : [`this browser was too slow for ${formatCount(slow)}`]),
      ...(this.#tooLong === 0 ? [] : [`${formatCount(this.#tooLong)} too long to show`]),
    ].join('; ');
    say(this.#note, [this.#rate.text, late].filter((part) => part !== '').join('; '));
  }
}

function rowOf(shown: Shown): HTMLElement {
  if (!('pid' in shown))
    return make(
      'li',
      { class: 'is-gap' },
      `${formatCount(shown.count)} ${shown.count === 1 ? 'event' : 'events'} missing: numbers ${shown.first} to ${shown.last}, lost at ${shown.hop} (${shown.cause})`,
    );
  const level = worst(shown.rules.map((rule) => rule.level));
  return unfolding(
    [
      make('time', { datetime: shown.time }, clock(shown.time)),
      make('span', { class: 'who' }, shown.user),
      make('span', { class: 'who' }, String(shown.pid)),
      make('span', { class: 'code one' }, shown.line),
      make(
        'span',
        {},
        ...(level === undefined ? [] : [badge(level)]),
        ...shown.notes.map((note) => make('span', { class: 'badge' }, note)),
      ),
    ],
    level === undefined ? 'row' : 'row is-alert',
    () => detailsOf(shown),
  );
}
