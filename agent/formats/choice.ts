import type { FormatName, MappingName } from './config.ts';
import type { Format } from './format.ts';
import { Identified, type Identity } from './identified.ts';
import type { MappedFormat, Mapping } from './mapping/format.ts';

/** Loaded only where one is used. */
const MAPPINGS: Readonly<Record<MappingName, () => Promise<Mapping>>> = {
  ecs: async () => (await import('./ecs/mapping.ts')).ECS,
  ocsf: async () => (await import('./ocsf/mapping.ts')).OCSF,
};

export function mappingOf(name: MappingName): Promise<Mapping> {
  return MAPPINGS[name]();
}

/** The format of an output whose lines say who they are from. */
export function formatOf(name: 'native', identity: Identity): Promise<Identified>;
export function formatOf(name: MappingName, identity: Identity): Promise<MappedFormat>;
export function formatOf(name: FormatName, identity: Identity): Promise<Format>;
export async function formatOf(name: FormatName, identity: Identity): Promise<Format> {
  if (name === 'native') return new Identified(identity);
  const { MappedFormat } = await import('./mapping/format.ts');
  return new MappedFormat(await mappingOf(name), identity);
}
