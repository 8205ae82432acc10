import { isObject } from '../../shared/events/fields.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Numbers, gaps, seals and origin of a line of another format, under their names in the native format. Other
 * fields of the event are not in it, except in a native line, which is returned as it is. Nothing is checked.
 * @returns undefined where it is in none of our formats
 */
export function nativeView(value: Fields): Fields | undefined {
  return (isText(value['type']) ? value : undefined) ?? ofEcs(value) ?? ofOcsf(value);
}

function ofEcs(line: Fields): Fields | undefined {
  const { event, host, probes } = line;
  // Lines of ECS that others write have no `probes`.
  if (!isObject(event) || !isObject(probes)) return undefined;
  const { id, name, boot } = objectOr(host);
  return {
    ...ofRest(event['action'], probes),
    time: line['@timestamp'],
    seq: event['sequence'],
    host_id: id,
    host: name,
    boot_id: objectOr(boot)['id'],
  };
}

function ofOcsf({ class_uid: uid, metadata, device, unmapped }: Fields): Fields | undefined {
  if (typeof uid !== 'number' || !isObject(metadata) || !isObject(unmapped)) return undefined;
  const { uid: hostId, hostname, boot_uid: bootId } = objectOr(device);
  return {
    ...ofRest(metadata['event_code'], unmapped),
    time: unmapped['time'],
    seq: metadata['sequence'],
    host_id: hostId,
    host: hostname,
    boot_id: bootId,
  };
}

/** @param rest has no place in the schema, and is the same in both */
function ofRest(type: unknown, { stream, schema_version: version, seal, gap }: Fields): Fields {
  const { number, ...ofSeal } = objectOr(seal);
  const own = type === 'gap' ? objectOr(gap) : type === 'seal' ? ofSeal : {};
  return { ...own, type, stream, schema_version: version, seal: number };
}

function objectOr(value: unknown): Fields {
  return isObject(value) ? value : {};
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
