import { describe, entryOf, type MapNode, type Reader } from '../../yaml/node.ts';
import { optional, text } from './metadata.ts';

/** The events that a rule covers (specification, "LogSource"). An absent key does not restrict them. */
export interface Logsource {
  readonly category?: string;
  readonly product?: string;
  readonly service?: string;
}

export function readLogsource(reader: Reader, node: MapNode): Logsource {
  const value = entryOf(node, 'logsource');
  if (value === undefined) {
    reader.problem(node, 'the logsource is missing');
    return {};
  }
  if (value.kind !== 'map') {
    reader.problem(value, `expected a map, found ${describe(value)}`);
    return {};
  }
  const source: Logsource = {
    ...optional('category', text(reader, value, 'category')),
    ...optional('product', text(reader, value, 'product')),
    ...optional('service', text(reader, value, 'service')),
  };
  if (Object.keys(source).length === 0) reader.problem(value, 'expected a category, a product or a service');
  return source;
}

/** Whether every event of `inner` is one of `outer`. */
export function covers(outer: Logsource, inner: Logsource): boolean {
  return (['category', 'product', 'service'] as const).every(
    (key) => outer[key] === undefined || outer[key] === inner[key],
  );
}

export function formatLogsource({ category, product, service }: Logsource): string {
  return [category, product, service].filter((part) => part !== undefined).join('/');
}
