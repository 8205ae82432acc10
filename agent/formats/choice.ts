import type { FormatName } from './config.ts';
import type { Format } from './format.ts';
import { Identified, type Identity } from './identified.ts';
import type { Mapping } from './mapping/format.ts';

/** The schemas of others, by their names in the configuration. Loaded only where one is used. */
const MAPPINGS: Readonly<Record<Exclude<FormatName, 'native'>, () => Promise<Mapping>>> = {
  ecs: async () => (await import('./ecs/mapping.ts')).ECS,
  ocsf: async () => (await import('./ocsf/mapping.ts')).OCSF,
};

export function mappingOf(name: Exclude<FormatName, 'native'>): Promise<Mapping> {
  return MAPPINGS[name]();
}

/** The format of an output whose lines say who they are from. */
export async function formatOf(name: FormatName, identity: Identity): Promise<Format> {
  if (name === 'native') return new Identified(identity);
  const { MappedFormat } = await import('./mapping/format.ts');
  return new MappedFormat(await mappingOf(name), identity);
}
