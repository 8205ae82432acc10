/** Kubernetes's classes of quality of service. */
export type QosClass = 'guaranteed' | 'burstable' | 'besteffort';

interface Pod {
  readonly pod_uid: string;
  readonly qos: QosClass;
}

/** Groups of pods that are not guaranteed lie below one of their class. */
const CLASSES: readonly QosClass[] = ['burstable', 'besteffort'];

/** Most pods have a UUID, static ones a hash; a manifest may choose another uid. */
const UID = /^[0-9A-Za-z_.-]{1,128}$/;

/** The innermost pod among the components up to `last`: the kubelet's groups, under both of its drivers. */
export function podAbove(components: readonly string[], last: number): Pod | undefined {
  for (let at = last; at >= 0; at--) {
    const pod = ofFolder(components, at) ?? ofSlice(components[at]!);
    if (pod !== undefined) return pod;
  }
  return undefined;
}

/** `…/kubepods/podUID`, `…/kubepods/burstable/podUID`. */
function ofFolder(components: readonly string[], at: number): Pod | undefined {
  const name = components[at]!;
  if (!name.startsWith('pod')) return undefined;
  const uid = name.slice('pod'.length);
  const parent = components[at - 1];
  const qos = parent === 'kubepods' ? 'guaranteed' : CLASSES.find((each) => each === parent);
  if (qos === undefined || (qos !== 'guaranteed' && components[at - 2] !== 'kubepods')) return undefined;
  return UID.test(uid) ? { pod_uid: uid, qos } : undefined;
}

/**
 * `kubepods-podUID.slice`, `kubepods-burstable-podUID.slice`, with the names of the slices around it before it (kind:
 * `kubelet-kubepods-…`). A slice has `_` where the uid has `-`. containerd without its setting for systemd adds
 * `:cri-containerd:ID`.
 */
function ofSlice(component: string): Pod | undefined {
  const [slice = ''] = component.split(':', 1);
  if (!slice.endsWith('.slice')) return undefined;
  const root = 'kubepods-';
  const start = slice.lastIndexOf(root);
  if (start === -1 || (start > 0 && slice[start - 1] !== '-')) return undefined;
  const rest = slice.slice(start + root.length, -'.slice'.length);
  const qos =
    CLASSES.find((each) => rest.startsWith(`${each}-pod`)) ?? (rest.startsWith('pod') ? 'guaranteed' : undefined);
  if (qos === undefined) return undefined;
  const uid = rest.slice((qos === 'guaranteed' ? '' : `${qos}-`).length + 'pod'.length).replaceAll('_', '-');
  return UID.test(uid) ? { pod_uid: uid, qos } : undefined;
}
