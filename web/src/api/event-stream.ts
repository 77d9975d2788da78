/** One event of a `text/event-stream`. */
export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

/** The longest silence: the server writes a comment every few seconds, so more than this is a dead line. */
const SILENCE_MS = 45_000;

/** Raised when the line went silent or was cut before the stream said that it was done. */
export class StreamLost extends Error {
  override readonly name = "StreamLost";
}

/**
 * The events of a stream that was asked for by POST, which EventSource cannot do. Bytes may be cut anywhere,
 * inside a character too. Comments keep the line open and are no events. Leaving the loop ends the request.
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  silenceMs = SILENCE_MS,
): AsyncGenerator<StreamEvent, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const lines = new Lines();
  let event = "";
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await orSilence(reader.read().catch(orLost), silenceMs);
      // What is half said when the stream ends was cut: an event counts from its empty line on.
      if (done) return;
      for (const line of lines.take(decoder.decode(value, { stream: true }))) {
        if (line === "") {
          if (data.length) yield { event: event || "message", data: data.join("\n") };
          event = "";
          data = [];
          continue;
        }
        const [field, text] = fieldOf(line);
        if (field === "event") event = text;
        else if (field === "data") data.push(text);
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** A line that breaks is a TypeError to `fetch`; an aborted request is told as it is. */
function orLost(error: unknown): never {
  throw error instanceof TypeError ? new StreamLost(error.message) : error;
}

/** Name and value of a line; a comment has the empty name. */
function fieldOf(line: string): [field: string, text: string] {
  const colon = line.indexOf(":");
  if (colon < 0) return [line, ""];
  const text = line.slice(colon + 1);
  return [line.slice(0, colon), text.startsWith(" ") ? text.slice(1) : text];
}

/** Whole lines out of pieces; all three line endings of the format, and one cut between CR and LF. */
class Lines {
  private rest = "";
  private endedWithCr = false;

  take(piece: string): string[] {
    if (!piece) return [];
    const text = this.endedWithCr && piece.startsWith("\n") ? piece.slice(1) : piece;
    this.endedWithCr = piece.endsWith("\r");
    const parts = (this.rest + text).split(/\r\n|\n|\r/);
    this.rest = parts.pop() ?? "";
    return parts;
  }
}

async function orSilence<T>(next: Promise<T>, silenceMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, refuse) => {
    timer = setTimeout(() => refuse(new StreamLost(`Nothing came for ${silenceMs} ms.`)), silenceMs);
  });
  try {
    return await Promise.race([next, silence]);
  } finally {
    clearTimeout(timer);
  }
}
