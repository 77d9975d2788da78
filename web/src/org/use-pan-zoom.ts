"use client";

import { useCallback, useEffect, useRef, useState, type PointerEvent, type RefObject } from "react";

export interface View {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

const SMALLEST = 0.15;
const LARGEST = 1.75;
const MARGIN = 24;
/** Moves shorter than this are clicks of an unsteady hand. */
const DRAG_PX = 4;

function clampScale(scale: number): number {
  return Math.min(LARGEST, Math.max(SMALLEST, scale));
}

/** The same view, zoomed by `factor` round a point of the frame, which stays under the pointer. */
export function zoomedAt(view: View, factor: number, at: { x: number; y: number }): View {
  const scale = clampScale(view.scale * factor);
  const change = scale / view.scale;
  return { scale, x: at.x - (at.x - view.x) * change, y: at.y - (at.y - view.y) * change };
}

/** Shows all of `content` in `frame`, never larger than life. */
export function fitted(content: Size, frame: Size): View {
  const room = Math.min(
    (frame.width - 2 * MARGIN) / content.width,
    (frame.height - 2 * MARGIN) / content.height,
  );
  const scale = clampScale(Math.min(1, room));
  return {
    scale,
    x: Math.max(MARGIN, (frame.width - content.width * scale) / 2),
    y: Math.max(MARGIN, (frame.height - content.height * scale) / 2),
  };
}

/** Dragging pans, the wheel scrolls, Ctrl+wheel or two fingers zoom. */
export function usePanZoom(frame: RefObject<HTMLDivElement | null>) {
  const [view, setView] = useState<View>({ x: MARGIN, y: MARGIN, scale: 1 });
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  const pointers = useRef(new Map<number, { x: number; y: number }>());
  const dragged = useRef(0);

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const observer = new ResizeObserver(() =>
      setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    observer.observe(element);
    // React's wheel listener is passive and could not keep the page from scrolling.
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      if (event.ctrlKey || event.metaKey) {
        const at = { x: event.clientX - box.left, y: event.clientY - box.top };
        setView((now) => zoomedAt(now, Math.exp(-event.deltaY / 300), at));
      } else {
        setView((now) => ({ ...now, x: now.x - event.deltaX, y: now.y - event.deltaY }));
      }
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => {
      observer.disconnect();
      element.removeEventListener("wheel", onWheel);
    };
  }, [frame]);

  const onPointerDown = useCallback((event: PointerEvent) => {
    if (event.button !== 0) return;
    pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
    dragged.current = 0;
  }, []);

  const onPointerMove = useCallback((event: PointerEvent<HTMLDivElement>) => {
    const last = pointers.current.get(event.pointerId);
    if (!last) return;
    const now = { x: event.clientX, y: event.clientY };
    dragged.current += Math.hypot(now.x - last.x, now.y - last.y);
    // Captured only once it is a drag: a captured pointer would take the click away from the card.
    if (dragged.current > DRAG_PX) event.currentTarget.setPointerCapture(event.pointerId);
    const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const box = event.currentTarget.getBoundingClientRect();
      const factor =
        Math.hypot(now.x - other.x, now.y - other.y) / (Math.hypot(last.x - other.x, last.y - other.y) || 1);
      const at = { x: (now.x + other.x) / 2 - box.left, y: (now.y + other.y) / 2 - box.top };
      setView((before) => zoomedAt(before, factor, at));
    } else {
      setView((before) => ({ ...before, x: before.x + now.x - last.x, y: before.y + now.y - last.y }));
    }
    pointers.current.set(event.pointerId, now);
  }, []);

  const onPointerUp = useCallback((event: PointerEvent) => {
    pointers.current.delete(event.pointerId);
  }, []);

  const wasDragged = useCallback(() => dragged.current > DRAG_PX, []);
  const handlers = { onPointerDown, onPointerMove, onPointerUp, onPointerCancel: onPointerUp };
  return { view, setView, size, handlers, wasDragged };
}
