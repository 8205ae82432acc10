import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { copyDrive, wineDrive, wineTree } from './wine-tree.ts';

const WINE = '/usr/lib/wine/wine64';
const WINESERVER = '/usr/lib/wine/wineserver64';
/** Where the machine's shared folder lies, here and inside; Wine calls it Z:\share. */
const SHARE = '/share';
const START_TRIES = 200;

/** Mounts, private to it; then it waits, and everything ends with it. */
const INIT = `set -e
mkdir -p "$1${SHARE}" && mount --bind "$2" "$1${SHARE}"
mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount -t tmpfs tmpfs "$1/tmp"
exec sleep 7200`;

const ENVIRONMENT = [
  `WINEPREFIX=${SHARE}/.wine`,
  'WINEARCH=win64',
  `WINEDEBUG=${process.env['PROBES_WINEDEBUG'] ?? '-all'}`,
  'WINEDLLOVERRIDES=mscoree,mshtml,winedbg.exe,winemenubuilder.exe=',
  `WINESERVER=${WINESERVER}`,
  `WINELOADER=${WINE}`,
  'HOME=/root',
  'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
  'LANG=C.UTF-8',
];

/** Wine is without fonts here and says so at every start. */
const FONT_NOTICE = /^(?:Wine cannot find the FreeType|use TrueType|or equal to 2|http:\/\/www\.freetype).*\n/gmu;

/** The end of a program under Wine. */
export interface Finished {
  readonly code: number;
  readonly output: string;
}

/** A program that runs under Wine. */
export interface Running {
  readonly child: ChildProcess;
  /** Its output so far, both streams. */
  output(): string;
  readonly ended: Promise<Finished>;
}

/**
 * A Windows machine of Wine: own mounts and processes, so that nothing outlives it. Programs
 * started in it share one registry, one set of pipes and one service manager.
 */
export class WindowsMachine {
  /** A folder here that is Z:\share inside. */
  readonly share: string;
  readonly #tree: string;
  readonly #folder: string;
  readonly #init: ChildProcess;
  readonly #pid: number;
  #runs = 0;

  static async start(): Promise<WindowsMachine> {
    const tree = wineTree();
    const drive = await wineDrive(tree, async (work) => {
      await using fresh = await WindowsMachine.#startWith(tree);
      const made = await fresh.run('wineboot', ['--init'], 300);
      if (made.code !== 0) throw new Error(`Wine cannot set up a drive: ${made.output}`);
      await fresh.run('winecfg', ['-v', 'win10']);
      // It writes the registry when it ends.
      await fresh.run(WINESERVER, ['-k']);
      await fresh.run(WINESERVER, ['-w']);
      copyDrive(path.join(fresh.share, '.wine'), work);
    });
    return WindowsMachine.#startWith(tree, drive);
  }

  static async #startWith(tree: string, drive?: string): Promise<WindowsMachine> {
    const folder = mkdtempSync(path.join(tmpdir(), 'platform-probes-windows-'));
    const share = path.join(folder, 'share');
    mkdirSync(share);
    if (drive !== undefined) copyDrive(drive, path.join(share, '.wine'));
    const machine = new WindowsMachine(tree, folder, share);
    await machine.#waitForStart();
    return machine;
  }

  private constructor(tree: string, folder: string, share: string) {
    this.#tree = tree;
    this.#folder = folder;
    this.share = share;
    this.#init = spawn('unshare', ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', INIT, 'sh', tree, share], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#pid = this.#init.pid ?? 0;
  }

  /** The Windows name of a file in the shared folder. */
  windowsPath(...parts: readonly string[]): string {
    return ['Z:', 'share', ...parts].join('\\');
  }

  /** A file here by its path on drive C:. */
  onDriveC(...parts: readonly string[]): string {
    return path.join(this.share, '.wine/drive_c', ...parts);
  }

  /** Runs a program to its end. */
  async run(program: string, args: readonly string[] = [], seconds = 60): Promise<Finished> {
    return this.spawn(program, args, seconds).ended;
  }

  /** Starts a program; one with a path of Linux is run as it is. Node.js under Wine cannot print into a pipe of Linux, hence into files. */
  spawn(program: string, args: readonly string[] = [], seconds = 600): Running {
    const file = path.join(this.#folder, `output-${this.#runs++}`);
    const fd = openSync(file, 'w');
    const inside = [
      'env',
      '-i',
      ...ENVIRONMENT,
      'chroot',
      this.#tree,
      ...(program.startsWith('/') ? [] : [WINE]),
      program,
      ...args,
    ];
    const command = ['-k', '5', String(seconds), 'nsenter', '-t', String(this.#innerPid()), '-m', '-p', ...inside];
    const child = spawn('timeout', command, { stdio: ['ignore', fd, fd] });
    closeSync(fd);
    const output = (): string => readFileSync(file, 'utf8').replace(FONT_NOTICE, '');
    const ended = new Promise<Finished>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code: code ?? -1, output: existsSync(file) ? output() : '' }));
    });
    return { child, output, ended };
  }

  /** Ends all that runs in it and removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.#init.once('close', resolve));
    this.#init.kill('SIGKILL');
    await gone;
    for (let tries = 0; ; tries++) {
      try {
        rmSync(this.#folder, { recursive: true, force: true });
        return;
      } catch (error) {
        if (tries === 20) throw error;
        await delay(100);
      }
    }
  }

  #innerPid(): number {
    return Number(readFileSync(`/proc/${this.#pid}/task/${this.#pid}/children`, 'latin1').trim().split(' ')[0] ?? 0);
  }

  async #waitForStart(): Promise<void> {
    for (let tries = 0; tries < START_TRIES; tries++) {
      await delay(25);
      const inner = this.#innerPid();
      if (inner !== 0 && readFileSync(`/proc/${inner}/comm`, 'latin1') === 'sleep\n') return;
    }
    throw new Error('the machine did not start');
  }
}
