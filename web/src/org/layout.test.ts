import { describe, expect, it } from "vitest";

import type { OrgNode } from "@/api/types";
import { layOut } from "./layout";
import { buildTree, visibleItems } from "./tree";

/** 1 above 2 and 3, 2 above 4 and 5. Only the place in the tree matters here. */
const NODES = (
  [
    [1, null],
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 2],
  ] as const
).map(([id, parent_id]) => ({ id, parent_id }) as OrgNode);

describe("the chart", () => {
  const tree = buildTree(NODES);
  const all = new Set([1, 2]);

  it("stands in the order in which it is read: parents before their children", () => {
    const read = visibleItems(tree, all).map((item) => item.node.id);
    expect([...layOut(tree, all).placed.keys()]).toEqual(read);
    expect(read).toEqual([1, 2, 4, 5, 3]);
  });

  it("puts a parent level with the middle of its children, a column to their left", () => {
    const { placed } = layOut(tree, all);
    const [parent, first, last] = [placed.get(2), placed.get(4), placed.get(5)];
    expect(parent?.y).toBe(((first?.y ?? 0) + (last?.y ?? 0)) / 2);
    expect(parent?.x).toBeLessThan(first?.x ?? 0);
  });

  it("gives closed units no room", () => {
    const { placed, height } = layOut(tree, new Set());
    expect([...placed.keys()]).toEqual([1]);
    expect(height).toBeLessThan(layOut(tree, all).height);
  });
});
