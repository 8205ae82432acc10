// The macOS audit on Linux: the helper's real processes with a stand-in for the tracer, the real pipe, this
// system's ps, files in a folder of root's. What it does not show: that ps and csrutil of macOS answer as documented.
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { auditWith, type AuditSetting } from '../../helper/macos/audit/audit.ts';
import { ROOT } from '../support/repository.ts';
import { rootTest } from '../support/requirements.ts';
import { ChildHelper } from './support/child-helper.ts';

const FOLDER = `/var/lib/platform-probes/test-${process.pid}-audit`;
const EXECUTABLE = '/Library/PlatformProbes/bin/probes-helper';

interface Report {
  readonly ok: boolean;
  readonly findings: readonly { readonly code: string; readonly message: string }[];
  readonly files: { readonly files: readonly { readonly file: string; readonly sha256: string }[] };
  readonly processes: Readonly<Record<string, unknown>>;
  readonly pipe: Readonly<Record<string, unknown>>;
  readonly system: Readonly<Record<string, unknown>>;
}

/** A helper that runs, and an installation that is as it should be. */
class Installed {
  readonly helper = new ChildHelper('eslogger', ['healthy', 3]);
  readonly manifest = path.join(FOLDER, 'manifest.json');
  readonly setting: AuditSetting;

  constructor() {
    mkdirSync(FOLDER, { recursive: true, mode: 0o755 });
    const files = ['probes-helper', 'koffi.node', 'exec.d'].map((name) => path.join(FOLDER, name));
    const entries = files.map((file) => {
      writeFileSync(file, `content of ${file}`);
      chmodSync(file, 0o644);
      return [path.basename(file), { sha256: createHash('sha256').update(readFileSync(file)).digest('hex') }];
    });
    writeFileSync(this.manifest, JSON.stringify({ files: Object.fromEntries(entries) }));
    const plist = path.join(FOLDER, 'platform-probes.helper.plist');
    const [executable, , entry = '', , ...rest] = this.helper.process.spawnargs;
    // The plist that is shipped, of an installation whose executable is the one that runs here.
    cpSync(path.join(ROOT, 'installers/macos/launchd/platform-probes.helper.plist'), plist);
    writeFileSync(plist, readFileSync(plist, 'utf8').replace(EXECUTABLE, executable ?? ''));
    chmodSync(plist, 0o644);
    const csrutil = path.join(FOLDER, 'csrutil');
    writeFileSync(
      csrutil,
      '#!/bin/sh\n[ "$1" = status ] && [ -z "$HOME" ] && echo "System Integrity Protection status: enabled."\n',
      { mode: 0o755 },
    );
    const tracer = `${executable} ${path.join(path.dirname(path.dirname(entry)), 'fixtures/stand-in.ts')}`;
    if (rest[0] !== 'run')
      throw new Error(`not the command line that was expected: ${this.helper.process.spawnargs.join(' ')}`);
    this.setting = {
      files,
      executable: executable ?? '',
      tracers: [tracer],
      group: 64_912,
      plist,
      ps: '/bin/ps',
      csrutil,
    };
  }

  audit(setting: Partial<AuditSetting> = {}): Report {
    const { text, ok } = auditWith(
      { socket: this.helper.socket, json: true, manifest: this.manifest },
      { ...this.setting, ...setting },
    );
    const report = JSON.parse(text) as Report;
    if (ok !== report.ok) throw new Error('the exit code and the report differ');
    return report;
  }

  codes(setting?: Partial<AuditSetting>): string[] {
    return this.audit(setting).findings.map(({ code }) => code);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.helper.stop();
    rmSync(FOLDER, { recursive: true, force: true });
  }
}

const auditTest = (title: string, run: (t: ExecutionContext, installed: Installed) => void | Promise<void>): void =>
  rootTest(title, async (t) => {
    await using installed = new Installed();
    await installed.helper.connect();
    await installed.helper.until(() => installed.helper.marks.length === 3);
    await run(t, installed);
  });

auditTest('nothing is to be objected to in what is as it was installed', (t, installed) => {
  const report = installed.audit();
  t.deepEqual(report.findings, []);
  t.is(report.processes['watching'], installed.helper.process.pid);
  t.is(report.processes['forwarding_uids'], '64913/64913/64913');
  t.like(report.pipe, { mode: '0660', owner: '0:64912', folder_mode: '0750' });
  t.is(report.system['integrity_protection'], 'System Integrity Protection status: enabled.');
  t.is(report.files.files.length, 3);
});

auditTest('each file that is not as it was shipped is named', (t, installed) => {
  const [helper = '', addon = '', script = ''] = installed.setting.files;
  writeFileSync(helper, 'another');
  chmodSync(addon, 0o666);
  rmSync(script);
  t.deepEqual(installed.codes(), ['FILE_CHANGED', 'FILE_UNSAFE', 'FILE_MISSING']);
});

auditTest('a folder above that others can write to is named', (t, installed) => {
  chmodSync(FOLDER, 0o777);
  t.deepEqual([...new Set(installed.codes())].toSorted(), ['FILE_UNSAFE', 'SERVICE_UNSAFE']);
  t.true(installed.audit().findings.every(({ message }) => message.includes(`chmod go-w ${FOLDER}`)));
});

auditTest('a service that starts another program, or with something added, is named', (t, installed) => {
  const { plist, executable } = installed.setting;
  const before = readFileSync(plist, 'utf8');
  const withText = (from: string, to: string): string[] => {
    t.true(before.includes(from), from);
    writeFileSync(plist, before.replace(from, to));
    return installed.codes();
  };
  t.deepEqual(withText(executable, '/tmp/other'), ['SERVICE_OTHER_PROGRAM']);
  t.deepEqual(withText('<string>run</string>', ''), ['SERVICE_OTHER_PROGRAM']);
  t.deepEqual(withText('<key>RunAtLoad</key>', '<key>Program</key><string>/tmp/other</string><key>RunAtLoad</key>'), [
    'SERVICE_OTHER_PROGRAM',
  ]);
  t.deepEqual(withText('<key>RunAtLoad</key>', '<key>EnvironmentVariables</key><dict/><key>RunAtLoad</key>'), [
    'SERVICE_CHANGED',
  ]);
  writeFileSync(plist, 'bplist00');
  t.deepEqual(installed.codes(), ['SERVICE_OTHER_PROGRAM']);
  writeFileSync(plist, before);
  chownSync(plist, 64_913, 0);
  t.deepEqual(installed.codes(), ['SERVICE_UNSAFE']);
  t.deepEqual(installed.codes({ plist: '/no/such.plist' }), []);
});

auditTest('a socket that is wider, of another owner, or gone is named', async (t, installed) => {
  const { socket } = installed.helper;
  chmodSync(socket, 0o666);
  chmodSync(path.dirname(socket), 0o755);
  t.deepEqual(installed.codes(), ['SOCKET_MODE', 'FOLDER_MODE']);
  chmodSync(socket, 0o660);
  chmodSync(path.dirname(socket), 0o750);
  t.deepEqual(installed.codes({ group: 4242 }), ['SOCKET_OWNER']);
  chownSync(path.dirname(socket), 64_913, 64_912);
  t.deepEqual(installed.codes(), ['FOLDER_UNSAFE']);
  await installed.helper.stop();
  t.deepEqual(installed.codes(), ['HELPER_NOT_RUNNING', 'SOCKET_MISSING']);
});

auditTest('a process that a signal has stopped is named', async (t, installed) => {
  installed.helper.process.kill('SIGSTOP');
  await delay(100);
  const { findings } = installed.audit();
  installed.helper.process.kill('SIGCONT');
  t.deepEqual(
    findings.map(({ code }) => code),
    ['HELPER_STOPPED'],
  );
  t.true(findings[0]?.message.endsWith(`kill -CONT ${installed.helper.process.pid}`));
  await delay(100);
  t.deepEqual(installed.codes(), []);
});

auditTest('processes that are missing, or have what they should not, are named', (t, installed) => {
  t.deepEqual(installed.codes({ tracers: ['/usr/bin/eslogger'] }), ['TRACER_MISSING']);
  t.deepEqual(installed.codes({ ps: '/no/such/ps' }), ['PROCESS_UNREADABLE']);
  // The answer of ps, except one word, when it is asked for the saved user id too: a stand-in, since no real forwarding process lets itself be started so.
  const ps = path.join(FOLDER, 'ps');
  const changing = (script: string): string[] => {
    writeFileSync(ps, `#!/bin/sh\ncase "$*" in *'-o svuid='*) /bin/ps "$@" | sed -E '${script}';; esac\n`, {
      mode: 0o755,
    });
    return installed.codes({ ps });
  };
  t.deepEqual(changing('s/ 64913 +64913 +64913 / 64913 64913 0 /'), ['PROCESS_PRIVILEGE']);
  t.deepEqual(changing('s/ forward / other /'), ['HELPER_STARTING']);
  t.deepEqual(changing('s# (/[^ ]+ .* run)# /\\1#'), [], 'one that has begun again, without environment');
});
