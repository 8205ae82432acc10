// The agent's process tree with the forks of a real helper.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ProcessTree } from '../../agent/enrichment/process-tree.ts';
import { startHelper } from '../support/helper-process.ts';
import { PipeClient } from '../support/pipe-client.ts';
import { kernelTest } from '../support/requirements.ts';

kernelTest('with --forks and --exits, ancestors go through shells that executed nothing', async (t) => {
  const helper = await startHelper(['--forks', '--exits']);
  t.teardown(() => helper.stop());
  const client = new PipeClient(helper.socket);
  t.teardown(() => client.close());
  await client.until(() => client.events.length > 0);
  const marker = `below-subshells-of-${process.pid}`;
  // The commands behind it keep each shell from becoming the program.
  const shell = spawn('/bin/sh', ['-c', `( ( /bin/true ${marker}; : ); : ); :`], { stdio: 'ignore' });
  await once(shell, 'exit');
  const event = await client.exec(({ command }) => command === `/bin/true ${marker}`);
  await client.until(() => client.events.find((each) => each.type === 'exit' && each['pid'] === shell.pid));
  const tree = new ProcessTree();
  for (const each of client.events) tree.take(each);
  const ancestors = tree.ancestorsOf(event);
  const at = ancestors.findIndex(({ pid }) => pid === shell.pid);
  t.is(at, 2, JSON.stringify(ancestors));
  for (const { image, commandLine, hasEnded } of ancestors.slice(0, at + 1)) {
    t.is(image, ancestors[at]!.image);
    t.regex(commandLine ?? '', new RegExp(marker, 'u'));
    t.true(hasEnded);
  }
});
