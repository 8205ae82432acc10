import { fact, make } from './dom.ts';
import type { ProcessRef, ShownEvent } from './event-model.ts';

/** Everything that the page keeps of an event, as an element. */
export function detailsOf(event: ShownEvent): HTMLElement {
  const lineage = lineageOf(event);
  return make(
    'div',
    { class: 'more' },
    make(
      'dl',
      { class: 'facts' },
      ...event.rules.flatMap(({ title, level, tags, measure }) => [
        ...fact('Rule', [`${title} (${level})`, measure].filter((part) => part !== undefined).join(', ')),
        ...fact('Tags', tags.join(', ')),
      ]),
      ...fact('Because', event.rules.flatMap(({ reasons }) => reasons).join('\n'), true),
      ...fact('Command', event.command, true),
      ...(lineage.length === 0 ? [] : fact('Ancestors', chainOf(lineage))),
      ...fact('Arguments', event.argv.map((argument, i) => `${i}: ${argument}`).join('\n'), true),
      ...fact('Program', event.exe, true),
      ...fact('Folder', event.cwd, true),
      ...fact('Process', `${event.pid}${event.ppid === undefined ? '' : `, started by ${event.ppid}`}`),
      ...fact('User', event.user),
      ...fact('Container', event.container, true),
      ...fact('Number', event.seq?.toLocaleString('en')),
      ...fact('Time', event.time),
    ),
  );
}

const lineageOf = ({ ancestors, parent }: ShownEvent): readonly ProcessRef[] =>
  ancestors.length > 0 ? ancestors : parent === undefined ? [] : [parent];

/** The nearest first. */
function chainOf(ancestors: readonly ProcessRef[]): HTMLElement {
  return make(
    'ol',
    { class: 'chain' },
    ...ancestors.map(({ pid, exe, command }) =>
      make(
        'li',
        {},
        make('span', { class: 'dim' }, `${pid} `),
        make('span', { class: 'code' }, command ?? exe ?? 'not known'),
      ),
    ),
  );
}

/** A rule's level, for the eye. */
export const badge = (level: string): HTMLElement => make('span', { class: `badge level-${classOf(level)}` }, level);

const LEVELS = ['critical', 'high', 'medium', 'low', 'informational'];
const classOf = (level: string): string => (LEVELS.includes(level) ? level : 'high');
