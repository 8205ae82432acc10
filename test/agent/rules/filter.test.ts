import test from 'ava';
import { Filters, filtersOf, readFilters } from '../../../agent/rules/filter.ts';
import { entryOf, Reader, type MapNode } from '../../../agent/yaml/node.ts';
import { formatProblem } from '../../../agent/problem.ts';
import { readYaml } from '../../../agent/yaml/read.ts';

const compile = (list: unknown) => {
  const { filters, problems } = filtersOf(list, 'agent.yaml');
  return { filters: new Filters(filters), problems: problems.map(formatProblem) };
};

const NOISE = {
  name: 'compiler noise',
  detection: { tool: { 'Image|endswith': ['/cc1', '/as'] }, condition: 'tool' },
  action: 'drop',
};
const KEEP = { name: 'root', detection: { who: { User: 'root' }, condition: 'who' }, action: 'keep' };

test('the first filter that matches decides, and an event that none matches is not decided', (t) => {
  const { filters } = compile([KEEP, NOISE]);
  t.like(filters.decide({ Image: '/usr/lib/cc1', User: 'root' }), { name: 'root', action: 'keep' });
  t.like(filters.decide({ Image: '/usr/lib/cc1', User: 'ada' }), { name: 'compiler noise', action: 'drop' });
  t.is(filters.decide({ Image: '/bin/ls', User: 'ada' }), undefined);
});

test('every decision is counted for its filter', (t) => {
  const { filters } = compile([NOISE, KEEP]);
  for (let i = 0; i < 3; i++) filters.decide({ Image: '/as' });
  filters.decide({ User: 'root' });
  t.deepEqual(filters.counts(), [
    { name: 'compiler noise', action: 'drop', count: 3 },
    { name: 'root', action: 'keep', count: 1 },
  ]);
});

test('a faulty filter is refused with its path, and all faults at once', (t) => {
  const { problems } = compile([
    { ...NOISE, action: 'dorp' },
    { ...KEEP, detection: { a: { 'User|is': 'x' }, condition: 'a' } },
    { detection: {}, actoin: 'drop' },
  ]);
  t.deepEqual(problems, [
    'agent.yaml: filters[0].action: the action is "drop" or "keep", not "dorp"',
    'agent.yaml: filters[1].detection.a.User|is: unknown modifier "is", did you mean "i"?',
    'agent.yaml: filters[2].actoin: unknown key "actoin", did you mean "action"?',
    'agent.yaml: filters[2]: the action is "drop" or "keep", and it is missing',
    'agent.yaml: filters[2].detection: the condition is missing',
  ]);
});

test('a filter in the text of a configuration is refused with its line', (t) => {
  const { source, documents } = readYaml(
    'agent.yaml',
    'filters:\n  - action: drop\n    detection:\n      a: {Image: x}\n      condition: a or b\n',
  );
  const reader = new Reader(source);
  t.is(readFilters(reader, entryOf(documents[0] as MapNode, 'filters')!), undefined);
  t.deepEqual(reader.problems.map(formatProblem), [
    'agent.yaml:5:23: filters[0].detection.condition: unknown search identifier "b"',
  ]);
});
