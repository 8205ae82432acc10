import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { endWithUs } from './reaper.ts';
import { PATIENCE } from './pace.ts';

const PATIENCE_MS = 30_000 * PATIENCE;

/** Nothing but the page under test: no request of the browser's own, and no name that leads anywhere. */
const OPTIONS = [
  '--headless=new',
  '--remote-debugging-pipe',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-dev-shm-usage',
  '--disable-extensions',
  '--disable-gpu',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  '--mute-audio',
];

type Fields = Record<string, unknown>;

interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Fields;
  readonly result?: Fields;
  readonly error?: { readonly message: string };
}

/** A headless Chromium, driven by the DevTools protocol over a pipe: https://chromedevtools.github.io/devtools-protocol/ */
export class Browser implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'probes-browser-'));
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #answers = new Map<number, PromiseWithResolvers<Fields>>();
  readonly #listeners = new Map<string, (method: string, params: Fields) => void>();
  #id = 0;
  #rest = '';

  constructor() {
    // Its sandbox cannot be made by root, and it only ever sees the page under test.
    const sandbox = process.getuid!() === 0 ? ['--no-sandbox'] : [];
    this.#child = spawn('chromium', [...OPTIONS, ...sandbox, `--user-data-dir=${this.#folder}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    endWithUs(this.#child);
    this.#closed = new Promise((resolve) => this.#child.once('close', resolve));
    (this.#child.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => this.#take(text));
    (this.#child.stdio[3] as Writable).on('error', () => undefined);
    this.#child.once('error', (error) => this.#fail(error));
    this.#child.once('close', () => this.#fail(new Error('the browser has ended')));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#answers.values()) reject(error);
    this.#answers.clear();
  }

  #take(text: string): void {
    const messages = (this.#rest + text).split('\0');
    this.#rest = messages.pop()!;
    for (const message of messages) this.#dispatch(JSON.parse(message) as Message);
  }

  #dispatch({ id, sessionId = '', method, params = {}, result = {}, error }: Message): void {
    if (id === undefined) return this.#listeners.get(sessionId)?.(method!, params);
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    if (error === undefined) answer?.resolve(result);
    else answer?.reject(new Error(error.message));
  }

  /** @throws what the browser says, or that it has ended */
  async send(method: string, params: Fields = {}, sessionId?: string): Promise<Fields> {
    const id = ++this.#id;
    const answer = Promise.withResolvers<Fields>();
    this.#answers.set(id, answer);
    (this.#child.stdio[3] as Writable).write(
      `${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`,
    );
    return answer.promise;
  }

  /** A tab of its own, with cookies of its own. */
  async page(options: PageOptions = {}): Promise<Page> {
    const { browserContextId } = await this.send('Target.createBrowserContext');
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank', browserContextId });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page((method, params) => this.send(method, params, sessionId as string));
    this.#listeners.set(sessionId as string, (method, params) => page.heard(method, params));
    await page.begin(options);
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
}

/** One tab. */
export class Page {
  readonly #send: (method: string, params?: Fields) => Promise<Fields>;
  /** Errors and warnings of the console, exceptions and refusals of the browser. */
  readonly complaints: string[] = [];
  /** Every address that was asked for. */
  readonly requests: string[] = [];

  constructor(send: (method: string, params?: Fields) => Promise<Fields>) {
    this.#send = send;
  }

  async begin({ width = 1600, height = 1000, scheme = 'light' }: PageOptions): Promise<void> {
    for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await this.#send(`${domain}.enable`);
    await this.resize(width, height);
    await this.#send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
  }

  async resize(width: number, height: number): Promise<void> {
    await this.#send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
  }

  heard(method: string, params: Fields): void {
    if (method === 'Runtime.exceptionThrown') this.complaints.push(JSON.stringify(params['exceptionDetails']));
    if (method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(String(params['type'])))
      this.complaints.push(JSON.stringify(params['args']));
    if (method === 'Log.entryAdded') {
      const { level, text, url } = params['entry'] as Fields;
      if (level === 'error' || level === 'warning') this.complaints.push(`${String(text)} ${String(url)}`);
    }
    if (method === 'Network.requestWillBeSent') this.requests.push((params['request'] as { url: string }).url);
  }

  async open(url: string): Promise<void> {
    const { errorText } = await this.#send('Page.navigate', { url });
    if (errorText !== undefined) throw new Error(`${url}: ${String(errorText)}`);
  }

  /** The value of an expression in the page; promises are awaited. @throws what it throws */
  async evaluate<T = unknown>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value: T }).value;
  }

  /** Resolves when an expression holds. @throws with the page's text when it never does */
  async until(expression: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await this.evaluate<boolean>(`Boolean(${expression})`).catch(() => false))) {
      if (performance.now() > deadline)
        throw new Error(
          `waited in vain for ${expression}\n${await this.text('body')}\ncomplaints:\n${this.complaints.join('\n')}`,
        );
      await delay(50);
    }
  }

  text(selector: string): Promise<string> {
    return this.evaluate<string>(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ''`);
  }

  /** Presses a key, as a person does. */
  async press(key: string, modifiers = 0): Promise<void> {
    const codes: Record<string, number> = {
      'Tab': 9,
      'Enter': 13,
      ' ': 32,
      'End': 35,
      'Home': 36,
      'ArrowLeft': 37,
      'ArrowUp': 38,
      'ArrowRight': 39,
      'ArrowDown': 40,
    };
    const text = key === 'Enter' ? { text: '\r' } : key === ' ' ? { text: ' ' } : {};
    const common = { key, code: key === ' ' ? 'Space' : key, windowsVirtualKeyCode: codes[key] ?? 0, modifiers };
    await this.#send('Input.dispatchKeyEvent', { type: 'keyDown', ...common, ...text });
    await this.#send('Input.dispatchKeyEvent', { type: 'keyUp', ...common });
  }

  async type(text: string): Promise<void> {
    await this.#send('Input.insertText', { text });
  }

  /** A picture of the window, PNG. */
  async picture(): Promise<Buffer> {
    const { data } = await this.#send('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(String(data), 'base64');
  }

  /** Bytes of its JavaScript heap that are in use, after a collection. */
  async heapBytes(): Promise<number> {
    await this.#send('HeapProfiler.collectGarbage');
    return Number((await this.#send('Runtime.getHeapUsage'))['usedSize']);
  }
}
