import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ask, type AnswerEvent } from "./assistant";
import { StreamLost } from "./event-stream";

type Answer = (request: IncomingMessage, response: ServerResponse, asked: unknown) => void;

let answer: Answer = () => undefined;
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (piece: Buffer) => (body += piece.toString()));
  request.on("end", () => answer(request, response, JSON.parse(body)));
});

beforeEach(async () => {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  vi.stubGlobal("location", { origin: `http://127.0.0.1:${port}` });
});
afterEach(async () => {
  vi.unstubAllGlobals();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const META = 'event: meta\ndata: {"answer_id":3,"conversation_id":2,"mode":"model"}\n\n';
const QUESTION = { question: "有休は何日?", conversationId: 2, on: "2025-04-01" };

function say(response: ServerResponse, text: string) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(text);
}

async function hear(signal = new AbortController().signal, onEvent?: (heard: AnswerEvent) => void) {
  const heard: string[] = [];
  for await (const event of ask(QUESTION, signal)) {
    heard.push(event.event);
    onEvent?.(event);
  }
  return heard;
}

describe("asking", () => {
  it("sends the question with its conversation and its day, and gives the answer event by event", async () => {
    let seen: unknown;
    answer = (_, response, asked) => {
      seen = asked;
      say(response, `${META}: still here\n\nevent: done\ndata: {"answer_id":3,"mode":"model"}\n\n`);
      response.end();
    };
    expect(await hear()).toEqual(["meta", "done"]);
    expect(seen).toEqual({ question: "有休は何日?", conversation_id: 2, on: "2025-04-01" });
  });

  it("raises the problem that a question is refused with", async () => {
    answer = (_, response) => {
      response.writeHead(429, { "content-type": "application/problem+json", "retry-after": "7" });
      response.end('{"code":"rate_limited","title":"多すぎます。","hint":"7秒後にもう一度。"}');
    };
    await expect(hear()).rejects.toMatchObject({
      status: 429,
      hint: "7秒後にもう一度。",
      retryAfterSeconds: 7,
    });
  });

  it("raises the problem that ends an answer", async () => {
    answer = (_, response) => {
      say(response, `${META}event: problem\ndata: {"status":503,"code":"database_down","title":"今は…"}\n\n`);
      response.end();
    };
    await expect(hear()).rejects.toMatchObject({ status: 503, code: "database_down", isTemporary: true });
  });

  it("says that the line was lost when an answer ends before it is done", async () => {
    answer = (_, response) => {
      say(response, META);
      response.end('event: delta\ndata: {"text":"半');
    };
    await expect(hear()).rejects.toThrow(StreamLost);
    answer = (_, response) => {
      say(response, META);
      setTimeout(() => response.destroy(), 20);
    };
    await expect(hear()).rejects.toThrow(StreamLost);
  });

  it("ends the answer on the server when it is stopped", async () => {
    const left = new Promise<void>((gone) => {
      answer = (_, response) => {
        response.on("close", gone);
        say(response, META);
      };
    });
    const stop = new AbortController();
    const heard = hear(stop.signal, () => stop.abort());
    await expect(heard).rejects.toMatchObject({ name: "AbortError" });
    await left;
  });
});
