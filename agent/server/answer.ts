import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isLoopback } from './address.ts';

/** A whole answer to a request. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that a route has to answer. */
export interface Asked {
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** One path of a server. */
interface Route {
  readonly method: 'GET' | 'POST';
  /** @returns undefined when it answers by itself, with a stream */
  readonly answer: (asked: Asked) => Answer | undefined | Promise<Answer>;
}

/** By path. */
export type Routes = Readonly<Record<string, Route>>;

/** Stands before the routes of a server, and decides who may ask. */
export interface Gate {
  /** On every answer, streams included. */
  readonly headers: Readonly<Record<string, string>>;
  /** @returns the path among the routes, or the answer to a request that goes no further */
  readonly admit: (path: string, asked: Asked) => string | Answer | Promise<Answer>;
}

/** Lets everybody in who can connect. */
const OPEN: Gate = { headers: {}, admit: (path) => path };

const TEXT = 'text/plain; charset=utf-8';

/** Answers requests by their path; one a connection. @param onFailure gets what a route throws, which is a defect */
export function answerer(routes: Routes, onFailure: (error: unknown) => void, gate: Gate = OPEN): RequestListener {
  return (request, response) => {
    for (const [name, value] of Object.entries(gate.headers)) response.setHeader(name, value);
    const failed = (error: unknown): void => {
      onFailure(error);
      if (response.headersSent) response.destroy();
      else send(response, says(500, 'a defect in the agent; see its log'));
    };
    try {
      const answer = answerTo(request, response, routes, gate);
      if (answer instanceof Promise) answer.then((settled) => send(response, settled), failed);
      else if (answer !== undefined) send(response, answer);
    } catch (error) {
      failed(error);
    }
  };
}

function answerTo(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Routes,
  gate: Gate,
): Answer | undefined | Promise<Answer> {
  if (!isForHere(request))
    return says(421, 'this is served to this machine alone: ask for 127.0.0.1, [::1] or localhost');
  const url = request.url ?? '';
  // A question mark in the query is itself (RFC 3986, section 3.4).
  const end = url.includes('?') ? url.indexOf('?') : url.length;
  const asked = url.slice(0, end);
  const query = new URLSearchParams(url.slice(end + 1));
  const path = gate.admit(asked, { query, request, response });
  if (typeof path !== 'string') return path;
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (route === undefined) {
    const paths = Object.keys(routes);
    return says(404, `there are ${paths.slice(0, -1).join(', ')} and ${paths.at(-1)}`);
  }
  if (request.method !== route.method)
    return { ...says(405, `only ${route.method} is answered`), headers: { allow: route.method } };
  return route.answer({ query, request, response });
}

/** Whether a browser was not led here by a name that a foreign page chose (DNS rebinding). On a Unix socket, any host is as good. */
function isForHere({ headers: { host }, socket }: IncomingMessage): boolean {
  if (host === undefined || socket.remoteAddress === undefined) return true;
  const name = host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || isLoopback(name);
}

/** One sentence for people. */
export const says = (status: number, text: string): Answer => ({ status, type: TEXT, body: `${text}\n` });

/** A value as JSON, on one line. */
export const json = (value: unknown, status = 200): Answer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value)}\n`,
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
