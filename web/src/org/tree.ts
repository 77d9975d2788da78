import type { OrgNode } from "@/api/types";

/** A unit in its place: who is below it, how deep it stands, which sibling it is. */
export interface TreeItem {
  readonly node: OrgNode;
  readonly parentId: number | null;
  readonly childIds: readonly number[];
  readonly level: number;
  readonly position: number;
  readonly siblings: number;
}

export interface Tree {
  readonly rootIds: readonly number[];
  readonly items: ReadonlyMap<number, TreeItem>;
}

/** Puts flat nodes into a tree. Nodes whose parent is missing stand at the top, so nothing gets lost. */
export function buildTree(nodes: readonly OrgNode[]): Tree {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const children = new Map<number | null, number[]>();
  for (const node of nodes) {
    const parent = node.parent_id !== null && byId.has(node.parent_id) ? node.parent_id : null;
    const siblings = children.get(parent);
    if (siblings) siblings.push(node.id);
    else children.set(parent, [node.id]);
  }
  const items = new Map<number, TreeItem>();
  const place = (ids: readonly number[], parentId: number | null, level: number) => {
    ids.forEach((id, at) => {
      const node = byId.get(id);
      if (!node || items.has(id)) return;
      const childIds = children.get(id) ?? [];
      items.set(id, { node, parentId, childIds, level, position: at + 1, siblings: ids.length });
      place(childIds, id, level + 1);
    });
  };
  const rootIds = children.get(null) ?? [];
  place(rootIds, null, 1);
  return { rootIds, items };
}

/** Units that can be seen when `expanded` are open, in reading order. */
export function visibleItems(tree: Tree, expanded: ReadonlySet<number>): TreeItem[] {
  const seen: TreeItem[] = [];
  const visit = (id: number) => {
    const item = tree.items.get(id);
    if (!item) return;
    seen.push(item);
    if (expanded.has(id)) item.childIds.forEach(visit);
  };
  tree.rootIds.forEach(visit);
  return seen;
}

/** Everything above a unit, nearest first. */
export function ancestorsOf(tree: Tree, id: number): number[] {
  const above: number[] = [];
  for (
    let at = tree.items.get(id)?.parentId ?? null;
    at !== null;
    at = tree.items.get(at)?.parentId ?? null
  ) {
    above.push(at);
  }
  return above;
}

/** Units down to `levels` that have something below them: what is open when the page opens. */
export function openTo(tree: Tree, levels: number): Set<number> {
  const open = new Set<number>();
  for (const [id, item] of tree.items) {
    if (item.level <= levels && item.childIds.length) open.add(id);
  }
  return open;
}

export type TreeMove = { focus: number } | { expand: number } | { collapse: number } | null;

/** What a key does in a tree, by the WAI-ARIA pattern; null for keys that mean nothing here. */
export function moveFor(
  key: string,
  id: number,
  visible: readonly TreeItem[],
  expanded: ReadonlySet<number>,
): TreeMove {
  const at = visible.findIndex((item) => item.node.id === id);
  const item = visible[at];
  if (!item) return null;
  const focus = (target: TreeItem | undefined): TreeMove => (target ? { focus: target.node.id } : null);
  switch (key) {
    case "ArrowDown":
      return focus(visible[at + 1]);
    case "ArrowUp":
      return focus(visible[at - 1]);
    case "Home":
      return focus(visible[0]);
    case "End":
      return focus(visible.at(-1));
    case "ArrowRight":
      if (!item.childIds.length) return null;
      return expanded.has(id) ? focus(visible[at + 1]) : { expand: id };
    case "ArrowLeft":
      if (expanded.has(id) && item.childIds.length) return { collapse: id };
      return item.parentId === null ? null : { focus: item.parentId };
    default:
      return null;
  }
}
