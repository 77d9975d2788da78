"use client";

import { useCallback, useMemo, useState } from "react";
import { ancestorsOf, moveFor, openTo, visibleItems, type Tree } from "./tree";

const OPEN_LEVELS = 2;

/** Which units are open and which one has the keyboard; survives changes of the date. */
export function useTreeState(tree: Tree, selectedId: number | null) {
  const [opened, setOpened] = useState<ReadonlySet<number> | null>(null);
  const [wantedId, setWantedId] = useState<number | null>(selectedId);
  const expanded = useMemo(() => {
    if (opened) return opened;
    const initial = openTo(tree, OPEN_LEVELS);
    if (selectedId !== null) ancestorsOf(tree, selectedId).forEach((id) => initial.add(id));
    return initial;
  }, [opened, tree, selectedId]);
  const visible = useMemo(() => visibleItems(tree, expanded), [tree, expanded]);
  // The unit that had the keyboard may not exist on another date, or its parent was closed.
  const activeId = visible.some((item) => item.node.id === wantedId) ? wantedId : (tree.rootIds[0] ?? null);

  const toggle = useCallback(
    (id: number) => {
      const next = new Set(expanded);
      if (!next.delete(id)) next.add(id);
      setOpened(next);
    },
    [expanded],
  );

  /** Opens everything above a unit and gives it the keyboard. */
  const reveal = useCallback(
    (id: number) => {
      setOpened(new Set([...expanded, ...ancestorsOf(tree, id)]));
      setWantedId(id);
    },
    [expanded, tree],
  );

  /** Does what the key means; gives the unit that must get the focus, undefined when the key means nothing. */
  const press = useCallback(
    (key: string, id: number): number | undefined => {
      const move = moveFor(key, id, visible, expanded);
      if (!move) return undefined;
      if ("focus" in move) {
        setWantedId(move.focus);
        return move.focus;
      }
      toggle(id);
      return id;
    },
    [visible, expanded, toggle],
  );

  const expandAll = useCallback(() => setOpened(openTo(tree, Infinity)), [tree]);
  const collapseAll = useCallback(() => setOpened(openTo(tree, 1)), [tree]);
  return {
    expanded,
    visible,
    activeId,
    setActiveId: setWantedId,
    toggle,
    reveal,
    press,
    expandAll,
    collapseAll,
  };
}

export type TreeState = ReturnType<typeof useTreeState>;
