import test from 'ava';
import { Facts, FACT_NAMES } from '../../../../agent/events/facts.ts';
import { Hashes, type HashResult } from '../../../../agent/enrichment/hashing/hashes.ts';
import type { HashClient } from '../../../../agent/enrichment/hashing/hash-client.ts';
import { execEvent } from '../../../support/fake-helper.ts';

type Answered = Parameters<HashClient['ask']>[1];

/** A stand-in for the hashing process: tests answer. */
class Asked {
  readonly paths: string[] = [];
  readonly answer = new Map<string, Answered>();
  closed = 0;

  ask(path: string, answered: Answered): void {
    this.paths.push(path);
    this.answer.set(path, answered);
  }

  close(): void {
    this.closed++;
  }
}

const noFacts = (): Facts => new Facts({ texts: FACT_NAMES.map(() => undefined) });
const hashOf = (facts: Facts): string | undefined => facts.textAt(FACT_NAMES.indexOf('hashes'));
const TIME = '2026-01-01T00:00:00.5Z';
const MS = Date.parse(TIME);
const event = (exe: string, more: object = {}) => execEvent(1, { exe, time: TIME, ...more });

function hashesWith(waitMs: number) {
  const client = new Asked();
  const counts = new Map<HashResult, number>();
  const localFiles = { has: (path: string) => !path.startsWith('/net/') };
  return { client, counts, hashes: new Hashes({ client, localFiles, counts, waitMs }) };
}

test('events of one batch with one image are one question, and their facts are held until all answers are there', async (t) => {
  const { client, counts, hashes } = hashesWith(60_000);
  const [a, b, c] = [noFacts(), noFacts(), noFacts()];
  hashes.ask(event('/bin/a'), a);
  hashes.ask(event('/bin/a'), b);
  hashes.ask(event('/bin/c'), c);
  t.deepEqual(client.paths, []);
  hashes.flush();
  t.deepEqual(client.paths, ['/bin/a', '/bin/c']);
  const hold = a.pending!;
  t.is(c.pending, hold);
  client.answer.get('/bin/a')!({ sha256: 'aa', changedMs: 0 });
  t.is(hashOf(a), '{"sha256":"aa"}');
  t.is(a.pending, hold);
  client.answer.get('/bin/c')!({ cause: 'unreadable' });
  await hold.over;
  for (const facts of [a, b, c]) t.is(facts.pending, undefined);
  t.is(hashOf(b), '{"sha256":"aa"}');
  t.is(hashOf(c), undefined);
  t.deepEqual(Object.fromEntries(counts), { found: 2, unreadable: 1 });
});

test('a late answer is counted, and never changes what outputs may have written', async (t) => {
  const { client, counts, hashes } = hashesWith(1);
  const [a, b] = [noFacts(), noFacts()];
  hashes.ask(event('/bin/a'), a);
  hashes.ask(event('/bin/a'), b);
  hashes.flush();
  await a.pending!.over;
  client.answer.get('/bin/a')!({ sha256: 'aa', changedMs: 0 });
  t.is(hashOf(a), undefined);
  t.deepEqual(Object.fromEntries(counts), { late: 2 });
});

test('a file that changed after the exec is not what was executed', (t) => {
  const { client, counts, hashes } = hashesWith(60_000);
  const [a, b] = [noFacts(), noFacts()];
  hashes.ask(event('/bin/a'), a);
  hashes.ask(event('/bin/b'), b);
  hashes.flush();
  client.answer.get('/bin/a')!({ sha256: 'aa', changedMs: MS + 1001 });
  client.answer.get('/bin/b')!({ sha256: 'bb', changedMs: MS + 999 });
  t.is(hashOf(a), undefined);
  t.is(hashOf(b), '{"sha256":"bb"}');
  t.deepEqual(Object.fromEntries(counts), { changed: 1, found: 1 });
});

test('no path is followed that leads to another file here, or to a file system that can hang', (t) => {
  const { client, counts, hashes } = hashesWith(60_000);
  for (const elsewhere of [
    { ns: { mnt: 7 } },
    { flags: ['deleted'] },
    { flags: ['memfd'] },
    { flags: ['chroot'] },
    { flags: ['exe_truncated'] },
    { exe: undefined },
    { exe: 'relative' },
  ])
    hashes.ask(event('/bin/a', elsewhere), noFacts());
  hashes.ask(event('/net/a'), noFacts());
  hashes.flush();
  t.deepEqual(client.paths, []);
  t.deepEqual(Object.fromEntries(counts), { elsewhere: 7, remote: 1 });
});

test('at the end, nothing waits any more', async (t) => {
  const { client, hashes } = hashesWith(60_000);
  const facts = noFacts();
  hashes.ask(event('/bin/a'), facts);
  const hold = facts.pending!;
  hashes.close();
  await hold.over;
  t.is(client.closed, 1);
  t.is(facts.pending, undefined);
});
