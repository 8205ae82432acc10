import { COMMAND_KINDS } from './rest.ts';
import { made, type Row } from './row.ts';
import { containerIdOf, containerText } from './values.ts';

/** The fields of a container, which ECS and OpenTelemetry name alike. @param runtimeName theirs for the runtime, which differs */
export function containerRows(runtimeName: string): Row[] {
  return [
    made(
      COMMAND_KINDS,
      'container.id',
      ['container_id', 'container.id'],
      '`container_id`, else that of `container`',
      containerIdOf,
    ),
    made(COMMAND_KINDS, runtimeName, ['container.runtime'], '', containerText('runtime')),
    made(COMMAND_KINDS, 'container.name', ['container.name'], '', containerText('name')),
    made(COMMAND_KINDS, 'container.image.name', ['container.image'], '', containerText('image')),
  ];
}
