import type { Tree, TreeItem } from "./tree";

export const CARD_WIDTH = 236;
export const CARD_HEIGHT = 68;
const COLUMN_GAP = 52;
const ROW_GAP = 12;

export interface Placed {
  readonly item: TreeItem;
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly placed: ReadonlyMap<number, Placed>;
  readonly width: number;
  readonly height: number;
}

/** Columns by level from left to right, each parent level with the middle of its children. Linear in units. */
export function layOut(tree: Tree, expanded: ReadonlySet<number>): Layout {
  const placed = new Map<number, Placed>();
  let nextRow = 0;
  let deepest = 1;

  const place = (id: number): number => {
    const item = tree.items.get(id);
    if (!item) return 0;
    deepest = Math.max(deepest, item.level);
    // Its place among the cards is before its children's, for screen readers read in this order.
    placed.set(id, { item, x: 0, y: 0 });
    const open = expanded.has(id) ? item.childIds : [];
    const rows = open.map(place);
    const row = rows.length ? ((rows[0] ?? 0) + (rows.at(-1) ?? 0)) / 2 : nextRow++;
    placed.set(id, {
      item,
      x: (item.level - 1) * (CARD_WIDTH + COLUMN_GAP),
      y: row * (CARD_HEIGHT + ROW_GAP),
    });
    return row;
  };
  tree.rootIds.forEach(place);
  return {
    placed,
    width: deepest * (CARD_WIDTH + COLUMN_GAP) - COLUMN_GAP,
    height: Math.max(nextRow, 1) * (CARD_HEIGHT + ROW_GAP) - ROW_GAP,
  };
}

/** The line from a parent's right edge to a child's left edge: across, down, across, with soft corners. */
export function elbow(parent: Placed, child: Placed): string {
  const [x1, y1] = [parent.x + CARD_WIDTH, parent.y + CARD_HEIGHT / 2];
  const [x2, y2] = [child.x, child.y + CARD_HEIGHT / 2];
  const middle = x1 + COLUMN_GAP / 2;
  const drop = y2 - y1;
  const corner = Math.min(8, Math.abs(drop) / 2);
  if (corner < 1) return `M${x1} ${y1}H${x2}`;
  const down = Math.sign(drop) * corner;
  return `M${x1} ${y1}H${middle - corner}q${corner} 0 ${corner} ${down}V${y2 - down}q0 ${down} ${corner} ${down}H${x2}`;
}
