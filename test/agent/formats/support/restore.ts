type Fields = Record<string, unknown>;

const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((below, name) => (below as Fields | undefined)?.[name], value);

const COMMANDS = ['exec', 'exec_failed'];
const PROCESSES = [...COMMANDS, 'fork', 'exit'];

/** The first value of each name. */
function firstOf(variables: readonly (readonly [string, string])[] | undefined): Fields | undefined {
  return variables && Object.fromEntries(variables.toReversed());
}

const toNumber = (text: unknown): number | undefined => (text === undefined ? undefined : Number(text));

/** The fields that have no place in the schema, under their native names. */
function ofRest(type: string, rest: Fields): Fields {
  const { stream: _, schema_version: __, seal, gap, clock, other, raw, parent, env_repeated: repeated, ...same } = rest;
  const { number: ___, ...ofSeal } = (seal ?? {}) as Fields;
  const entries = raw as { field: string; base64: string }[] | undefined;
  return {
    ...same,
    ...(type === 'gap' ? (gap as Fields) : {}),
    ...(type === 'clock' ? (clock as Fields) : {}),
    ...(type === 'seal' ? ofSeal : {}),
    ...(other as Fields | undefined),
    raw: entries && Object.fromEntries(entries.map(({ field, base64 }) => [field, base64])),
    parent: parent as Fields | undefined,
    env_repeated:
      repeated &&
      Object.fromEntries((repeated as { name: string; values: string[] }[]).map(({ name, values }) => [name, values])),
  };
}

function finish(type: string, fields: Fields, time: string): Fields {
  const isProcess = PROCESSES.includes(type);
  const known = isProcess || ['gap', 'clock', 'seal'].includes(type);
  const event: Fields = {
    ...fields,
    type,
    ...(known ? { time } : {}),
    ...(isProcess ? { timestamp: Math.floor(Date.parse(`${time.slice(0, 19)}Z`) / 1000) } : {}),
  };
  return JSON.parse(JSON.stringify(event)) as Fields;
}

/** The parent, and `ppid` where it has no own field. */
function parentOf(pid: unknown, exe: unknown, rest: Fields, commandLine: unknown): Fields {
  const start = at(rest['parent'], 'start_time');
  return { parent: { pid, start_time: start, exe, command_line: commandLine }, ppid: rest['ppid'] ?? pid };
}

/** A fact such as `user`. On Windows an account is in two parts. */
function namesOf(name: unknown, domain: unknown, effective: unknown): Fields | undefined {
  if (name === undefined && effective === undefined) return undefined;
  return {
    name: domain === undefined ? name : `${domain as string}\\${name as string}`,
    ...(effective === undefined ? {} : { effective: { name: effective } }),
  };
}

/**
 * The native event, from a line of ECS. Written without a look at the rows: nothing that an event says may be lost in the format. Two
 * things cannot be told: which of `exe` and `filename` an image came from, and whether a parent's pid came from `parent` or `ppid`.
 */
export function fromEcs(line: Fields): Fields {
  const type = at(line, 'event', 'action') as string;
  const rest = ofRest(type, line['probes'] as Fields);
  const process = (line['process'] ?? {}) as Fields;
  const duration = at(line, 'event', 'duration') as number | undefined;
  const command = rest['command'] ?? process['command_line'];
  const sid = at(process, 'user', 'id') === at(line, 'user', 'effective', 'id') ? undefined : at(process, 'user', 'id');
  const known = PROCESSES.includes(type);
  const isCommand = COMMANDS.includes(type);
  return finish(
    type,
    {
      ...rest,
      ...(known
        ? { seq: at(line, 'event', 'sequence'), pid: process['pid'], source: at(line, 'event', 'provider') }
        : {}),
      exit_code: process['exit_code'],
      run_time: duration === undefined ? undefined : Math.round(duration / 1000),
      error: at(line, 'error', 'code'),
      command: isCommand ? command : undefined,
      command_line: rest['command'] === undefined ? undefined : process['command_line'],
      exe: process['executable'],
      argv: process['args'],
      cwd: process['working_directory'],
      env: firstOf(
        (process['env_vars'] as string[] | undefined)?.map((text) => {
          const end = text.indexOf('=');
          return [text.slice(0, end), text.slice(end + 1)] as const;
        }),
      ),
      comm: at(process, 'thread', 'name'),
      uid: toNumber(at(process, 'real_user', 'id')),
      euid: toNumber(at(line, 'user', 'effective', 'id')),
      gid: toNumber(at(process, 'real_group', 'id')),
      egid: toNumber(at(process, 'group', 'id')),
      user_sid: sid,
      container_id: at(line, 'container', 'id'),
      ...parentOf(
        at(process, 'parent', 'pid'),
        at(process, 'parent', 'executable'),
        rest,
        at(process, 'parent', 'command_line'),
      ),
      entity_id: rest['entity_id'] ?? (isCommand ? process['entity_id'] : undefined),
      user:
        rest['user'] ??
        namesOf(at(line, 'user', 'name'), at(line, 'user', 'domain'), at(line, 'user', 'effective', 'name')),
      group:
        rest['group'] ??
        namesOf(
          at(process, 'real_group', 'name'),
          undefined,
          [undefined, at(process, 'real_group', 'id')].includes(at(process, 'group', 'id'))
            ? undefined
            : at(process, 'group', 'name'),
        ),
      hashes: rest['hashes'] ?? process['hash'],
    },
    line['@timestamp'] as string,
  );
}

/** The same from an event of OCSF. */
export function fromOcsf(line: Fields): Fields {
  const type = at(line, 'metadata', 'event_code') as string;
  const unmapped = line['unmapped'] as Fields;
  const { time, effective_user: otherUser, effective_group: otherGroup, ...others } = unmapped;
  const rest = ofRest(type, others);
  const evidence = (line['evidences'] as Fields[] | undefined)?.[0];
  const process = (line['process'] ?? evidence?.['process'] ?? {}) as Fields;
  const actor = at(evidence ?? line, 'actor', 'process') as Fields | undefined;
  const known = PROCESSES.includes(type);
  const isCommand = COMMANDS.includes(type);
  const command = rest['command'] ?? process['cmd_line'];
  const ancestry = process['ancestry'] as Fields[] | undefined;
  const user = at(process, 'user', 'uid') as string | undefined;
  const hash = at(process, 'file', 'hashes', '0', 'value');
  return finish(
    type,
    {
      ...rest,
      ...(known
        ? { seq: at(line, 'metadata', 'sequence'), pid: process['pid'], source: at(line, 'metadata', 'log_provider') }
        : {}),
      exit_code: line['exit_code'],
      error: line['status_code'],
      command: isCommand ? command : undefined,
      command_line: rest['command'] === undefined ? undefined : process['cmd_line'],
      exe: type === 'exec_failed' ? actor?.['path'] : process['path'],
      cwd: process['working_directory'],
      env: firstOf(
        (process['environment_variables'] as { name: string; value: string }[] | undefined)?.map(
          ({ name, value }) => [name, value] as const,
        ),
      ),
      uid_or_sid: user,
      euid: process['euid'],
      gid: toNumber(at(process, 'group', 'uid')),
      egid: process['egid'],
      loginuid: process['auid'],
      container_id: at(process, 'container', 'uid'),
      ...parentOf(
        at(process, 'parent_process', 'pid'),
        at(process, 'parent_process', 'path'),
        rest,
        at(process, 'parent_process', 'cmd_line'),
      ),
      entity_id: rest['entity_id'] ?? (isCommand ? process['uid'] : undefined),
      user: rest['user'] ?? namesOf(at(process, 'user', 'name'), at(process, 'user', 'domain'), at(otherUser, 'name')),
      group: rest['group'] ?? namesOf(at(process, 'group', 'name'), undefined, at(otherGroup, 'name')),
      hashes: rest['hashes'] ?? (hash === undefined ? undefined : { sha256: hash }),
      ancestors:
        rest['ancestors'] ??
        ancestry?.map(({ pid, uid, path, cmd_line: text }) => ({
          pid,
          entity_id: uid,
          exe: path,
          command_line: text,
        })),
    },
    time as string,
  );
}
