import type { Config } from '../config/schema.ts';
import { reasonOf } from '../errors.ts';
import { probeOutput, type OutputConfig } from '../outputs/kinds.ts';
import { findingsOf, type Finding } from './finding.ts';

const CREDENTIALS = '$CREDENTIALS_DIRECTORY/';

/** Connects to the receiver of each output, with its own certificates and credentials. Sends no event. */
export async function checkOutputs(
  { outputs }: Config,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Finding[]> {
  const findings = await Promise.all(outputs.map((output) => checkOutput(output, environment)));
  return findings.filter((finding) => finding !== undefined);
}

async function checkOutput(output: OutputConfig, environment: NodeJS.ProcessEnv): Promise<Finding | undefined> {
  const found = findingsOf(`output ${output.name}`);
  // systemd hands such files to the service alone.
  if (
    environment['CREDENTIALS_DIRECTORY'] === undefined &&
    textsIn(output).some((text) => text.startsWith(CREDENTIALS))
  )
    return found.skipped('its secret is a credential that systemd gives to the service alone, so it was not tried');
  try {
    const probed = await probeOutput(output);
    return probed && found[probed.verdict](probed.says);
  } catch (error) {
    return found.problem(reasonOf(error));
  }
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
