import { describe, expect, it } from "vitest";
import { readEvents, StreamLost, type StreamEvent } from "./event-stream";

const bytes = (text: string) => new TextEncoder().encode(text);

function streamOf(...pieces: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}

async function all(body: ReadableStream<Uint8Array>): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of readEvents(body)) events.push(event);
  return events;
}

const TEXT = 'event: delta\ndata: {"text":"有給休暇は𠮷野家🍣で"}\n\n: alive\n\nevent: done\ndata: {}\n\n';
const EVENTS = [
  { event: "delta", data: '{"text":"有給休暇は𠮷野家🍣で"}' },
  { event: "done", data: "{}" },
];

describe("a stream of events", () => {
  it("is the same wherever its bytes are cut, inside a character too", async () => {
    const whole = bytes(TEXT);
    for (let cut = 0; cut <= whole.length; cut += 1)
      expect(await all(streamOf(whole.subarray(0, cut), whole.subarray(cut)))).toEqual(EVENTS);
    const single = [...whole].map((byte) => Uint8Array.of(byte));
    expect(await all(streamOf(...single))).toEqual(EVENTS);
  });

  it("knows all line endings, and one cut between CR and LF", async () => {
    for (const ending of ["\r\n", "\r", "\n"])
      expect(await all(streamOf(bytes(TEXT.replaceAll("\n", ending))))).toEqual(EVENTS);
    const [before = "", after = ""] = "event: done\r|\ndata: {}\r\n\r\n".split("|");
    expect(await all(streamOf(bytes(before), bytes(after)))).toEqual([{ event: "done", data: "{}" }]);
  });

  it("hears nothing in comments that keep the line open", async () => {
    expect(await all(streamOf(bytes(":\n\n: still here\n\n"), bytes(": and here\n")))).toEqual([]);
  });

  it("joins the lines of one event and takes away one space only", async () => {
    expect(await all(streamOf(bytes("data:  a\ndata:b\ndata\n\n")))).toEqual([
      { event: "message", data: " a\nb\n" },
    ]);
  });

  it("drops an event that was cut before its end", async () => {
    expect(await all(streamOf(bytes('event: sentence\ndata: {"text":"half')))).toEqual([]);
    expect(await all(streamOf(bytes("event: sentence\ndata: {}\n")))).toEqual([]);
  });

  it("ends the request when the reader leaves", async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(bytes(TEXT)),
      cancel: () => {
        cancelled = true;
      },
    });
    for await (const event of readEvents(body)) if (event.event === "delta") break;
    expect(cancelled).toBe(true);
  });

  it("hands on the failure of a request that was aborted", async () => {
    const stop = new AbortController();
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes(TEXT));
        stop.signal.addEventListener("abort", () => controller.error(stop.signal.reason));
      },
    });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const event of readEvents(body)) {
        seen.push(event.event);
        if (event.event === "done") stop.abort();
      }
    })();
    await expect(reading).rejects.toMatchObject({ name: "AbortError" });
    expect(seen).toEqual(["delta", "done"]);
  });

  it("gives up on a line that went silent", async () => {
    const silent = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(bytes(":\n")),
    });
    await expect(async () => {
      for await (const event of readEvents(silent, 20)) expect(event).toBeUndefined();
    }).rejects.toThrow(StreamLost);
  });
});
