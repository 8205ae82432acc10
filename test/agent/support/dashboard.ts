import { ownPort } from '../../support/own-port.ts';
import { ask, type Reply } from '../../support/metrics.ts';
import { withControl, type Controlled } from './controlled.ts';

export interface Dashboard extends Controlled {
  /** `127.0.0.1:PORT`. */
  readonly listen: string;
  /** The address with its token. */
  readonly url: string;
  /** The path under which everything lies, `/s/SESSION/`, and the cookie for it. */
  readonly path: string;
  readonly cookie: string;
  /** Asks for something under that path, with the cookie. */
  get(path: string, method?: string, headers?: Record<string, string>): Promise<Reply>;
}

/** The address of the page, as the control socket tells it. */
export async function urlOf(socket: string): Promise<string> {
  const { status, body } = await ask(`unix:${socket}`, '/v1/dashboard');
  if (status !== 200) throw new Error(body);
  return (JSON.parse(body) as { url: string }).url;
}

/** An agent with the page, and a stand-in for the helper. @param more further lines of the configuration */
export async function withDashboard(use: (setting: Dashboard) => Promise<void>, more = ''): Promise<void> {
  const listen = `127.0.0.1:${await ownPort()}`;
  await withControl(
    async (setting) => {
      const url = await urlOf(setting.socket);
      const { headers: given } = await ask(listen, url.slice(url.indexOf('/?')));
      const [cookie = ''] = String(given['set-cookie']).split(';');
      const path = String(given['location']);
      await use({
        ...setting,
        listen,
        url,
        path,
        cookie,
        get: (what, method = 'GET', headers = {}) => ask(listen, `${path}${what}`, method, { cookie, ...headers }),
      });
    },
    `dashboard: { listen: "${listen}" }\n${more}`,
    '',
    '64MiB',
  );
}
