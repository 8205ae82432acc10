import { AgentProcess } from './agent-process.ts';

/** One command line of the agent, from start to end. */
export async function agent(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const process = new AgentProcess(args);
  const { code } = await process.exited;
  return { code, stdout: process.stdout, stderr: process.stderr };
}
