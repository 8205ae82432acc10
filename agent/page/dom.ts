/** The parts of an element: text is only ever text, never HTML. */
type Child = Node | string | undefined;

interface Properties {
  readonly class?: string;
  readonly [attribute: `aria-${string}`]: string;
  readonly [attribute: `data-${string}`]: string;
  readonly title?: string;
  readonly datetime?: string;
}

/** Makes an element. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(properties)) element.setAttribute(attribute, String(value));
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** An element of index.html. @throws when it is not there, which is a defect */
export function byId<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element as Kind;
}

/** Writes text where it differs, so that nothing is announced or drawn twice. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setState(element: HTMLElement, state: 'good' | 'bad' | 'warn' | 'unknown'): void {
  if (element.dataset['state'] !== state) element.dataset['state'] = state;
}

/** A term with its value, for a list of facts; nothing where there is no value. */
export function fact(term: string, value: Child, isCode = false): HTMLElement[] {
  if (value === undefined || value === '') return [];
  return [make('dt', {}, term), make('dd', isCode ? { class: 'code' } : {}, value)];
}

/**
 * One stop of the Tab key for a whole list: arrows, Home and End move among its summaries. With `branches`, the right arrow opens one
 * and the left arrow closes it, or goes to the one above.
 */
export function rove(list: HTMLElement, branches = false): void {
  list.addEventListener('keydown', (event) => {
    const from = (event.target as HTMLElement).closest('summary');
    if (from === null || event.altKey || event.ctrlKey || event.metaKey) return;
    const details = from.parentElement as HTMLDetailsElement;
    if (branches && event.key === 'ArrowRight' && !details.open) details.open = true;
    else if (branches && event.key === 'ArrowLeft' && details.open) details.open = false;
    else {
      const to = targetOf(event.key, from, list, branches);
      if (to === undefined) return;
      to.focus();
    }
    event.preventDefault();
  });
  list.addEventListener('focusin', (event) => {
    const summary = (event.target as HTMLElement).closest('summary');
    if (summary !== null) makeStop(list, summary);
  });
}

function targetOf(key: string, from: HTMLElement, list: HTMLElement, branches: boolean): HTMLElement | undefined {
  const all = [...list.querySelectorAll<HTMLElement>('summary')].filter((one) => one.offsetParent !== null);
  const at = all.indexOf(from);
  if (key === 'ArrowDown' || (branches && key === 'ArrowRight')) return all[at + 1];
  if (key === 'ArrowUp') return all[at - 1];
  if (key === 'Home') return all[0];
  if (key === 'End') return all.at(-1);
  if (branches && key === 'ArrowLeft')
    return (
      from.parentElement?.parentElement?.closest('details')?.querySelector<HTMLElement>(':scope > summary') ?? undefined
    );
  return undefined;
}

function makeStop(list: HTMLElement, stop: HTMLElement): void {
  for (const other of list.querySelectorAll('summary[tabindex="0"]')) other.setAttribute('tabindex', '-1');
  stop.setAttribute('tabindex', '0');
}

/** Keeps one stop in the list after its rows have changed. */
export function keepStop(list: HTMLElement): void {
  if (list.querySelector('summary[tabindex="0"]') !== null) return;
  list.querySelector('summary')?.setAttribute('tabindex', '0');
}

/** The time of day of an event, on this machine's clock. */
export function clock(time: string): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return '–';
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}
