import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';

import { PAGE_FILES, type PageFile } from '../../agent/dashboard/assets.ts';
import { sha256 } from '../../installers/programs/manifest.ts';
import { placePage } from '../../installers/programs/page.ts';
import { copyAgent } from '../support/agent-process.ts';
import { ownPort } from '../support/own-port.ts';
import { ask } from '../support/metrics.ts';

test('the built agent, away from its checkout, serves every file of the page as the build makes it', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'platform-probes-page-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  copyAgent(folder);
  const socket = path.join(folder, 'control.sock');
  const listen = `127.0.0.1:${await ownPort()}`;
  const config = path.join(folder, 'agent.yaml');
  writeFileSync(
    config,
    `source: { socket: ${folder}/none.sock }\noutputs: [{ name: out, type: stdout }]\ncontrol: { socket: ${socket} }\ndashboard: { listen: "${listen}" }\n`,
  );
  const agent = spawn(path.join(folder, 'probes-agent'), ['run', '--config', config], {
    cwd: '/',
    env: {},
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  agent.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  try {
    for (let waited = 0; !log.includes('DashboardListening'); waited += 20) {
      if (agent.exitCode !== null || waited > 60_000) throw new Error(log);
      await delay(20);
    }
    t.true(existsSync(socket));
    const { url } = JSON.parse((await ask(`unix:${socket}`, '/v1/dashboard')).body) as { url: string };
    const { headers } = await ask(listen, url.slice(url.indexOf('/?')));
    const [cookie = ''] = String(headers['set-cookie']).split(';');
    const made = await placePage();
    for (const name of Object.keys(PAGE_FILES) as PageFile[]) {
      const asked = name === 'index.html' ? '' : name;
      const reply = await ask(listen, `${String(headers['location'])}${asked}`, 'GET', { cookie });
      t.is(reply.status, 200, name);
      t.is(reply.headers['content-type'], PAGE_FILES[name]);
      t.is(sha256(Buffer.from(reply.body)), sha256(made.get(name)!), name);
      t.is(sha256(readFileSync(path.resolve(import.meta.dirname, '../../build/page', name))), sha256(made.get(name)!));
    }
  } finally {
    agent.kill('SIGTERM');
    await once(agent, 'close');
  }
});
