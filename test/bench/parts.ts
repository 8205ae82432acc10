import { FACTS_HEADING, factsSection } from './facts/section.ts';
import { FORMATS_HEADING, formatsSection } from './formats/section.ts';
import { MEMORY_HEADING, memorySection } from './memory/section.ts';
import { OUTPUTS_HEADING, outputsSection } from './outputs/section.ts';
import { anyPart, type AnyPart } from './part.ts';
import { RULES_HEADING, rulesSection } from './rules/section.ts';
import { STORE_HEADING, storeSection } from './store/section.ts';

/** In the order of docs/benchmarks.md. */
export const PARTS: readonly AnyPart[] = [
  anyPart({
    id: 'rules',
    about: 'the rule engine',
    isOfBuilt: false,
    heading: RULES_HEADING,
    section: rulesSection,
  }),
  anyPart({
    id: 'formats',
    about: 'what each format costs',
    isOfBuilt: false,
    heading: FORMATS_HEADING,
    section: formatsSection,
  }),
  anyPart({
    id: 'facts',
    about: 'what each fact of enrich costs',
    isOfBuilt: false,
    heading: FACTS_HEADING,
    section: factsSection,
  }),
  anyPart({
    id: 'outputs',
    about: 'what each output and the spool cost',
    isOfBuilt: true,
    heading: OUTPUTS_HEADING,
    section: outputsSection,
  }),
  anyPart({
    id: 'memory',
    about: 'of both programs, under the execs of many programs and users; needs root',
    isOfBuilt: true,
    heading: MEMORY_HEADING,
    section: memorySection,
  }),
  anyPart({
    id: 'store',
    about: 'writing and asking it; 8 GB of /var/tmp',
    isOfBuilt: false,
    heading: STORE_HEADING,
    section: storeSection,
  }),
];
