import { copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CACHE } from '../../../installers/tools/cache.ts';
import { progress } from '../../../installers/tools/progress.ts';
import { run } from '../../../installers/tools/run.ts';
import { aptOf } from '../../kernels/debian-suite.ts';

/** Debian 12 has neither VictoriaLogs nor a Go that compiles it. */
const SUITE = 'trixie';
const SOURCE = 'victoriametrics';
const IMPORT_PATH = 'github.com/VictoriaMetrics/VictoriaMetrics';
const GO = '1.24';

/** The compiler, and what `app/victoria-logs` imports: the source package comes without its `vendor` folder. */
const PACKAGES = [
  `golang-${GO}-go`,
  `golang-${GO}-src`,
  'golang-github-cespare-xxhash-dev',
  'golang-github-golang-snappy-dev',
  'golang-github-klauspost-compress-dev',
  'golang-github-valyala-bytebufferpool-dev',
  'golang-github-valyala-fastjson-dev',
  'golang-github-valyala-fastrand-dev',
  'golang-github-valyala-fasttemplate-dev',
  'golang-github-valyala-histogram-dev',
  'golang-github-valyala-quicktemplate-dev',
  'golang-github-victoriametrics-easyproto-dev',
  'golang-github-victoriametrics-metrics-dev',
  'golang-github-victoriametrics-metricsql-dev',
  'golang-golang-x-sys-dev',
];

const PROGRAM = path.join(CACHE, `victoria-logs-${SUITE}`);

/**
 * The server, compiled from Debian's source package with Debian's Go. It comes from the cache; the first time it takes half
 * a minute, 80 MB of downloads and 750 MB in the temporary folder.
 * @throws with the reason, where it cannot be had
 */
export function victoriaLogsProgram(): string {
  if (!existsSync(PROGRAM)) build();
  return PROGRAM;
}

function build(): void {
  progress(`Downloading and compiling ${SUITE}'s VictoriaLogs to ${PROGRAM}`);
  const work = mkdtempSync(path.join(tmpdir(), 'probes-victoria-logs-'));
  try {
    const { packages, download, downloadSource } = aptOf(SUITE, work, { lists: ['deb', 'deb-src'] });
    for (const problem of [downloadSource(SOURCE), ...PACKAGES.map((name) => download(name))])
      if (problem !== undefined) throw new Error(`cannot download the source of VictoriaLogs: ${problem}`);
    const root = path.join(work, 'root');
    for (const file of globSync(`${packages}/*.deb`)) run('dpkg-deb', ['-x', file, root]);
    const [archive] = globSync(`${packages}/*.orig.tar.*`);
    if (archive === undefined) throw new Error(`the source package ${SOURCE} has no archive`);
    const gopath = path.join(root, 'usr/share/gocode');
    const source = path.join(gopath, 'src', IMPORT_PATH);
    mkdirSync(source, { recursive: true });
    // The rest of the folder `vendor` would hide the packages.
    run('tar', ['-xf', archive, '-C', source, '--strip-components=1', '--exclude=*/vendor']);
    const goroot = path.join(root, 'usr/lib', `go-${GO}`);
    const program = path.join(work, 'victoria-logs');
    run(path.join(goroot, 'bin/go'), ['build', '-trimpath', '-o', program, './app/victoria-logs'], {
      cwd: source,
      env: {
        HOME: work,
        GOROOT: goroot,
        GOPATH: gopath,
        GOCACHE: path.join(work, 'go-cache'),
        // As Debian builds its packages: without modules, and so without the network.
        GO111MODULE: 'off',
        GOTOOLCHAIN: 'local',
        CGO_ENABLED: '0',
      },
    });
    mkdirSync(CACHE, { recursive: true });
    // Under its name only when it is whole: another test file may do the same at the same time.
    const fresh = `${PROGRAM}.${process.pid}`;
    copyFileSync(program, fresh);
    renameSync(fresh, PROGRAM);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
