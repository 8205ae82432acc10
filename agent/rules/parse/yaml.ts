import { readCompleteYaml } from './complete-yaml.ts';
import type { YamlFile } from './node.ts';
import { readPlainYaml } from './plain-yaml.ts';

/**
 * Reads a file of one or several YAML documents. A document that is not well
 * formed becomes a problem; the others are still read.
 */
export function readYaml(file: string, text: string): YamlFile {
  return readPlainYaml(file, text) ?? readCompleteYaml(file, text);
}
