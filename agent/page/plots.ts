import type UPlot from 'uplot';
import { byId, make, say } from './dom.ts';
import { formatCount } from '../view/quantities.ts';

/** Set by uplot.js, which index.html loads first. */
declare const uPlot: typeof UPlot;

export interface Series {
  readonly label: string;
  /** The name of a colour in page.css. */
  readonly colour: 'accent' | 'bad' | 'warn' | 'cool';
}

const HEIGHT = 120;

/** Distances between lines: only whole things are counted. */
const STEPS = Array.from({ length: 9 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

/** A line for each series over the last minutes. The same is said in words, for those who do not see it. */
export class Plot {
  readonly #id: string;
  readonly #series: readonly Series[];
  /** The name of each series, with its colour where there are several. */
  readonly #notes: readonly HTMLElement[];
  #plot: UPlot | undefined;
  #data: UPlot.AlignedData = [[]];

  constructor(id: string, series: readonly Series[]) {
    this.#id = id;
    this.#series = series;
    this.#data = [[], ...series.map(() => [])];
    this.#notes = series.map(({ colour }) => make('span', series.length === 1 ? {} : { class: `key key-${colour}` }));
    byId(`${id}-note`).append(...this.#notes);
    new ResizeObserver(() => this.#fit()).observe(byId(id));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#make());
    this.#make();
  }

  /**
   * @param rows of each series, a value for each point in time, the newest last
   * @param step seconds between two points
   */
  show(rows: ReadonlyArray<readonly number[]>, step: number): void {
    const length = rows[0]?.length ?? 0;
    const times = Array.from({ length }, (_, i) => (i - length + 1) * step);
    this.#data = [times, ...rows.map((row) => [...row])];
    this.#plot?.setData(this.#data);
    const words = this.#series.map(({ label }, i) => {
      const row = rows[i] ?? [];
      return `${label} ${formatCount(row.at(-1) ?? 0)}, most ${formatCount(row.reduce((most, value) => Math.max(most, value), 0))}`;
    });
    for (const [i, note] of this.#notes.entries()) say(note, words[i]!);
    const element = byId(this.#id);
    const name = `${element.previousElementSibling?.firstElementChild?.textContent}: ${words.join('; ')}`;
    if (element.getAttribute('aria-label') !== name) element.setAttribute('aria-label', name);
  }

  #fit(): void {
    const width = byId(this.#id).clientWidth;
    if (width > 0 && width !== this.#plot?.width) this.#plot?.setSize({ width, height: HEIGHT });
  }

  #make(): void {
    const place = byId(this.#id);
    this.#plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
    const axis = {
      stroke: colour('dim'),
      font: '11px system-ui, sans-serif',
      grid: { stroke: colour('line'), width: 1 },
      ticks: { show: false },
    };
    this.#plot = new uPlot(
      {
        width: Math.max(1, place.clientWidth),
        height: HEIGHT,
        padding: [8, 18, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, range: (_, least, most) => [Math.min(least ?? -60, -60), most ?? 0] },
          // From 0, and never flat: a quiet machine is a line at the bottom.
          y: { range: (_, __, most) => [0, Math.max(1, (most ?? 0) * 1.15)] },
        },
        axes: [
          {
            ...axis,
            size: 26,
            gap: 6,
            space: 60,
            values: (_, ticks) => ticks.map((tick) => (tick === 0 ? 'now' : `${tick} s`)),
          },
          { ...axis, size: 44, gap: 4, space: 28, incrs: STEPS, values: (_, ticks) => ticks.map(short) },
        ],
        series: [
          {},
          ...this.#series.map(({ label, colour: name }) => ({
            label,
            stroke: colour(name),
            fill: `${colour(name)}22`,
            width: 1.5,
            points: { show: false },
          })),
        ],
      },
      this.#data,
      place,
    );
  }
}

/** A number for an axis: 1.2k, 15k, 3M. */
function short(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(2))}M`;
  if (value >= 1e3) return `${Number((value / 1e3).toPrecision(3))}k`;
  return String(Number(value.toPrecision(2)));
}
