import { MAX_DRAWN, MAX_NODES } from './bounds.ts';
import { byId, keepStop, make, rove, say } from './dom.ts';
import { badge } from './event-details.ts';
import { worst, type ShownEvent } from './event-model.ts';
import { ProcessTree, type TreeNode } from './tree-model.ts';
import { formatCount } from '../view/quantities.ts';

const DRAW_MS = 1000;

/** The process tree. Children are drawn when their parent is unfolded. */
export class TreeView {
  readonly #tree = new ProcessTree();
  readonly #list = byId('tree');
  readonly #open = new Set<string>();
  /** Roots that were drawn: they are unfolded at first. */
  readonly #met = new Set<string>();
  #changed = false;

  constructor() {
    rove(this.#list, true);
    setInterval(() => this.#draw(), DRAW_MS);
  }

  take(event: ShownEvent): void {
    this.#tree.add(event, worst(event.rules.map((rule) => rule.level)));
    this.#changed = true;
  }

  #draw(): void {
    if (!this.#changed || this.#list.scrollTop > 8 || this.#list.querySelector('summary:focus-visible') !== null)
      return;
    this.#changed = false;
    const { size, forgotten } = this.#tree;
    const bound = forgotten === 0 ? '' : `; ${formatCount(MAX_NODES)} at most, the oldest are left out`;
    say(byId('tree-note'), `${formatCount(size)} ${size === 1 ? 'process' : 'processes'} seen${bound}`);
    byId('tree-empty').hidden = size > 0;
    for (const keys of [this.#open, this.#met]) for (const key of keys) if (!this.#tree.has(key)) keys.delete(key);
    const { roots } = this.#tree;
    for (const { key } of roots.filter((root) => !this.#met.has(root.key))) {
      this.#met.add(key);
      this.#open.add(key);
    }
    this.#list.replaceChildren(...this.#branches(roots));
    keepStop(this.#list);
  }

  #branches(nodes: readonly TreeNode[]): HTMLElement[] {
    const drawn = nodes
      .slice(-MAX_DRAWN)
      .toReversed()
      .map((node) => this.#branch(node));
    const rest = nodes.length - MAX_DRAWN;
    return rest > 0 ? [...drawn, make('li', { class: 'dim' }, `and ${formatCount(rest)} earlier`)] : drawn;
  }

  #branch(node: TreeNode): HTMLElement {
    const { pid, label, level, children } = node;
    const line = [
      make('span', { class: 'pid' }, String(pid)),
      make('span', { class: 'code one' }, label),
      ...(level === undefined ? [] : [badge(level)]),
      ...(children.size === 0 ? [] : [make('span', { class: 'kids' }, `${formatCount(children.size)} below`)]),
    ];
    if (children.size === 0) return make('li', {}, make('div', { class: 'node leaf' }, ...line));
    const head = make('summary', { class: 'node' }, ...line);
    head.tabIndex = -1;
    const details = make('details', {}, head);
    details.open = this.#open.has(node.key);
    if (details.open) details.append(make('ul', {}, ...this.#branches([...children])));
    details.addEventListener('toggle', () => {
      if (details.open) this.#open.add(node.key);
      else this.#open.delete(node.key);
      if (details.open && details.childElementCount === 1)
        details.append(make('ul', {}, ...this.#branches([...children])));
    });
    return make('li', {}, details);
  }
}
