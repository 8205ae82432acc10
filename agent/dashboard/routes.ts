import type { Routes } from '../server/answer.ts';
import { PAGE_FILES, readPageFile, type PageFile } from './assets.ts';

/** The paths of the local API that the page reads. It has no other way in, and none of them changes anything. */
const READ = ['/v1/status', '/v1/events', '/v1/gaps'] as const;

/** The page and what it reads. @param reading the local API, docs/api.md */
export function dashboardRoutes(reading: Routes): Routes {
  const files = Object.entries(PAGE_FILES).map(([name, type]): [string, NonNullable<Routes[string]>] => {
    const body = readPageFile(name as PageFile);
    return [name === 'index.html' ? '/' : `/${name}`, { method: 'GET', answer: () => ({ status: 200, type, body }) }];
  });
  return { ...Object.fromEntries(files), ...Object.fromEntries(READ.map((path) => [path, reading[path]!])) };
}
