import test from 'ava';
import { controlSocketPath } from '../../../agent/client/place.ts';
import { explainUnreachable } from '../../../agent/client/unreachable.ts';
import { DEFAULT_CONTROL_SOCKET } from '../../../agent/control/config.ts';
import { AgentError } from '../../../agent/errors.ts';
import { Workplace } from '../support/agent-process.ts';

test('as given, else as the configuration says, else where the packages have it', (t) => {
  using work = new Workplace();
  work.configure('outputs: [{ name: a, type: stdout }]\ncontrol: { socket: /run/x/c.sock }\n');
  t.is(controlSocketPath({ socket: '/s', config: work.configFile }), '/s');
  t.is(controlSocketPath({ config: work.configFile }), '/run/x/c.sock');
  t.is(controlSocketPath({}), DEFAULT_CONTROL_SOCKET);
  work.configure('outputs: [{ name: a, type: stdout }]\n');
  const none = t.throws(() => controlSocketPath({ config: work.configFile }), { instanceOf: AgentError });
  t.is(none.code, 'CONTROL_UNREACHABLE');
  t.regex(none.message, /has no "control".*Add "control: \{\}"/);
});

for (const [code, says] of [
  ['ENOENT', /there is no socket at \/s; does the agent run/],
  ['ECONNREFUSED', /nobody listens on \/s/],
  ['ENOTSOCK', /\/s is not a socket/],
  ['EAGAIN', /the agent is stopped, or hangs/],
  ['EIO', /^\/s: broken$/],
] as const)
  test(`${code} is explained, with the next step`, (t) => {
    t.regex(explainUnreachable(Object.assign(new Error('broken'), { code }), '/s'), says);
  });
