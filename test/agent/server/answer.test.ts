import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { answerer, json } from '../../../agent/server/answer.ts';
import { Listener } from '../../../agent/server/listener.ts';
import { Workplace } from '../support/agent-process.ts';

/** The status and the last line of the answer to a request line. */
async function asked(path: string, target: string): Promise<[status: number, body: string]> {
  const socket = connect({ path });
  await once(socket, 'connect');
  socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const answer = await text(socket);
  return [Number(answer.split(' ')[1]), answer.trimEnd().split('\n').at(-1)!];
}

test('a query is everything behind the first question mark, and a path is looked up as it is written', async (t) => {
  using work = new Workplace();
  const path = join(work.folder, 'a.sock');
  const routes = {
    '/v1/x': { method: 'GET', answer: ({ query }: { query: URLSearchParams }) => json([...query]) },
  } as const;
  const listener = new Listener(
    { kind: 'unix', path },
    answerer(routes, (error) => t.fail(String(error))),
    (error) => t.fail(String(error)),
  );
  await listener.open();
  try {
    for (const [target, query] of [
      ['/v1/x', []],
      ['/v1/x?', []],
      [
        '/v1/x?filter=a?b&rule=c?',
        [
          ['filter', 'a?b'],
          ['rule', 'c?'],
        ],
      ],
      ['/v1/x?a=%', [['a', '%']]],
      ['/v1/x?a=%ff%00', [['a', '\ufffd\0']]],
    ] as const)
      t.deepEqual(await asked(path, target), [200, JSON.stringify(query)], target);
    for (const target of [
      '/',
      '/v1/x/',
      '/v1/../v1/x',
      '//v1/x',
      '/%761/x',
      '/v1/x#',
      '/__proto__',
      '/constructor',
      '*',
      'http://localhost/v1/x',
    ])
      t.is((await asked(path, target))[0], 404, target);
  } finally {
    await listener.close();
  }
});
