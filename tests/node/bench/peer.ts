/**
 * The npm client, as the benchmarks measure it: `ConvexStore` and `ConvexVector` of @mastra/convex.
 *
 *     node peer.ts FOLDER
 *
 * FOLDER holds the work that `benchmarks/workload.py` wrote, the same that the Python client does.
 * Standard input's first line is `{url, key}`; every further line is a `Command`, answered by one
 * line: `{elapsedMs, result}`. Only the awaited call of the npm client is timed; what it needs
 * beforehand (a thread, an index, its arguments) is made before. Ends when its input does.
 */
import { Console } from "node:console";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { ConvexStore, ConvexVector } from "@mastra/convex";
import type { MastraDBMessage } from "@mastra/core/agent/message-list";

type Place = { url: string; key: string };
type Command =
  | { command: "saveMessages"; threadId: string }
  | { command: "listMessages"; threadId: string }
  | { command: "appendAndReadLast"; threadId: string; messageId: string; last: number }
  | { command: "upsert"; indexName: string; rowsPerRequest: number }
  | { command: "query"; indexName: string; vector: number[]; topK: number };
type Work = {
  dimension: number;
  resourceId: string;
  messages: Pick<MastraDBMessage, "role" | "content" | "createdAt">[];
  vectorIds: string[];
  metadata: { text: string; page: number; weight: number }[];
};
type Answer = { elapsedMs: number; result: unknown };

// Standard output carries the answers and nothing else, whatever a library prints.
globalThis.console = new Console({ stdout: process.stderr, stderr: process.stderr });

const folder = process.argv[2];
if (folder === undefined) throw new Error("usage: node peer.ts FOLDER");
const work = JSON.parse(readFileSync(join(folder, "work.json"), "utf8")) as Work;
const vectors = readVectors(join(folder, "vectors.f64"), work.dimension);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const first = await lines.next();
if (first.done) throw new Error("no place was given");
const { url: deploymentUrl, key: adminAuthToken } = JSON.parse(first.value) as Place;
const place = { deploymentUrl, adminAuthToken };
const memory = await new ConvexStore({ id: "benchmark", ...place }).getStore("memory");
if (memory === undefined) throw new Error("ConvexStore has no memory");
const store = memory;
const vectorStore = new ConvexVector({ id: "benchmark-vectors", ...place });

for await (const line of lines) {
  const answer = await run(JSON.parse(line) as Command);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

async function run(request: Command): Promise<Answer> {
  switch (request.command) {
    case "saveMessages":
      return await saveMessages(request.threadId);
    case "listMessages": {
      const { threadId } = request;
      return await timed(
        () => store.listMessages({ threadId, perPage: false }),
        ({ messages }) => messages.map((message) => message.id),
      );
    }
    case "appendAndReadLast":
      return await appendAndReadLast(request.threadId, request.messageId, request.last);
    case "upsert":
      return await upsert(request.indexName, request.rowsPerRequest);
    case "query": {
      const { indexName, vector: queryVector, topK } = request;
      return await timed(
        () => vectorStore.query({ indexName, queryVector, topK }),
        (matches) => matches.map((match) => match.id),
      );
    }
  }
}

async function saveMessages(threadId: string): Promise<Answer> {
  const { resourceId } = work;
  const now = new Date();
  await store.saveThread({
    thread: { id: threadId, resourceId, title: "", createdAt: now, updatedAt: now },
  });
  const messages = work.messages.map((message, number) => ({
    ...structuredClone(message),
    id: `${threadId}-${number}`,
    threadId,
    resourceId,
    createdAt: new Date(message.createdAt),
  }));
  return await timed(
    () => store.saveMessages({ messages }),
    (saved) => saved.messages.length,
  );
}

async function appendAndReadLast(threadId: string, id: string, last: number): Promise<Answer> {
  const { resourceId } = work;
  const message: MastraDBMessage = {
    id,
    role: "user",
    content: { format: 2, parts: [{ type: "text", text: id }], content: id },
    createdAt: new Date(),
    threadId,
    resourceId,
  };
  return await timed(
    async () => {
      await store.saveMessages({ messages: [message] });
      const orderBy = { field: "createdAt", direction: "DESC" } as const;
      return await store.listMessages({ threadId, perPage: last, orderBy });
    },
    ({ messages }) => messages.map((found) => found.id).reverse(),
  );
}

async function upsert(indexName: string, rowsPerRequest: number): Promise<Answer> {
  await vectorStore.createIndex({ indexName, dimension: work.dimension });
  const { vectorIds: ids, metadata } = work;
  // The npm client sends everything in one request, however large; its user has to cut.
  const parts: { vectors: number[][]; ids: string[]; metadata: Work["metadata"] }[] = [];
  for (let start = 0; start < vectors.length; start += rowsPerRequest) {
    const end = start + rowsPerRequest;
    parts.push({
      vectors: vectors.slice(start, end),
      ids: ids.slice(start, end),
      metadata: metadata.slice(start, end),
    });
  }
  return await timed(
    async () => {
      const written: string[] = [];
      for (const part of parts) written.push(...(await vectorStore.upsert({ indexName, ...part })));
      return written;
    },
    (written) => written.length,
  );
}

async function timed<T>(call: () => Promise<T>, summary: (value: T) => unknown): Promise<Answer> {
  const started = performance.now();
  const value = await call();
  const elapsedMs = performance.now() - started;
  return { elapsedMs, result: summary(value) };
}

/** Rows of little-endian float64, as plain arrays: what an embedding model's client returns. */
function readVectors(path: string, dimension: number): number[][] {
  const bytes = readFileSync(path);
  // A copy of its own begins where a float64 may begin; a small file's buffer need not.
  const numbers = new Float64Array(new Uint8Array(bytes).buffer);
  const rows: number[][] = [];
  for (let start = 0; start < numbers.length; start += dimension) {
    rows.push(Array.from(numbers.subarray(start, start + dimension)));
  }
  return rows;
}
