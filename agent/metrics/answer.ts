import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { familiesOf } from './families.ts';
import { healthOf, readinessOf, type Health } from './health.ts';
import { isLoopback } from './config.ts';
import { CONTENT_TYPE, formatFamilies } from './text.ts';
import type { View } from './view.ts';

const TEXT = 'text/plain; charset=utf-8';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers requests for metrics and health; one a connection. */
export function answerer(view: View, onFailure: (error: unknown) => void): RequestListener {
  return (request, response) => {
    let answer: Answer;
    try {
      answer = answerTo(request, view);
    } catch (error) {
      onFailure(error);
      answer = says(500, 'a defect in the agent; see its log');
    }
    send(response, answer);
  };
}

function answerTo(request: IncomingMessage, view: View): Answer {
  if (request.method !== 'GET') return { ...says(405, 'only GET is answered'), headers: { allow: 'GET' } };
  if (!isForHere(request))
    return says(421, 'this is served to this machine alone: ask for 127.0.0.1, [::1] or localhost');
  switch (request.url?.split('?', 1)[0]) {
    case '/metrics':
      return { status: 200, type: CONTENT_TYPE, body: formatFamilies(familiesOf(view)) };
    case '/healthz':
      return report(healthOf(view));
    case '/readyz':
      return report(readinessOf(view));
    default:
      return says(404, 'there are /metrics, /healthz and /readyz');
  }
}

/** Whether a browser was not led here by a name that a foreign page chose (DNS rebinding). On a Unix socket, any host is as good. */
function isForHere({ headers: { host }, socket }: IncomingMessage): boolean {
  if (host === undefined || socket.remoteAddress === undefined) return true;
  const name = host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || isLoopback(name);
}

const says = (status: number, text: string): Answer => ({ status, type: TEXT, body: `${text}\n` });

const report = (health: Health): Answer => ({
  status: health.status === 'ok' ? 200 : 503,
  type: 'application/json',
  body: `${JSON.stringify(health)}\n`,
});

function send(response: ServerResponse, { status, type, body, headers = {} }: Answer): void {
  response.shouldKeepAlive = false;
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(body);
}
