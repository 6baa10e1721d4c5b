/**
 * Writes and reads a deployment as a Mastra application does: npm's `ConvexStore`,
 * `ConvexVector` and `Memory`.
 *
 * Input: `{url, key, storageFunction?, command: "write" | "read", …}`; the fields of either
 * command are those of `WriteRequest` and `ReadRequest`. Times are ISO strings in both directions.
 */
import { ConvexStore, ConvexVector } from "@mastra/convex";
import type { MastraDBMessage } from "@mastra/core/agent/message-list";
import type { StorageThreadType } from "@mastra/core/memory";
import type { StorageResourceType } from "@mastra/core/storage";
import { Memory } from "@mastra/memory";
import { script } from "./script.ts";

type Place = { url: string; key: string; storageFunction?: string };
type Filter = Record<string, unknown>;
type Metadata = Record<string, unknown>;

/** Everything to be written. Absent lists are empty. */
type WriteRequest = Place & {
  command: "write";
  threads?: StorageThreadType[];
  messages?: MastraDBMessage[];
  resources?: StorageResourceType[];
  indexes?: {
    indexName: string;
    dimension: number;
    vectors: { id: string; vector: number[]; metadata?: Metadata }[];
  }[];
};

/** Everything to be read back, by its ids. Absent lists are empty. */
type ReadRequest = Place & {
  command: "read";
  threadIds?: string[];
  resourceIds?: string[];
  messageIds?: string[];
  queries?: {
    indexName: string;
    queryVector: number[];
    topK?: number;
    filter?: Filter;
    includeVector?: boolean;
  }[];
};

async function open({ url, key, storageFunction }: Place) {
  const place = {
    deploymentUrl: url,
    adminAuthToken: key,
    ...(storageFunction === undefined ? {} : { storageFunction }),
  };
  const store = new ConvexStore({ id: "interop", ...place });
  const memory = await store.getStore("memory");
  if (memory === undefined) throw new Error("ConvexStore has no memory");
  return { store, memory, vectors: new ConvexVector({ id: "interop-vectors", ...place }) };
}

async function write(request: WriteRequest): Promise<unknown> {
  const { memory, vectors } = await open(request);
  const { threads = [], messages = [], resources = [], indexes = [] } = request;
  for (const thread of threads) await memory.saveThread({ thread: withDates(thread) });
  for (const resource of resources) await memory.saveResource({ resource: withDates(resource) });
  if (messages.length > 0) await memory.saveMessages({ messages: messages.map(withDates) });
  for (const { indexName, dimension, vectors: records } of indexes) {
    await vectors.createIndex({ indexName, dimension });
    await vectors.upsert({
      indexName,
      vectors: records.map((record) => record.vector),
      ids: records.map((record) => record.id),
      metadata: records.map((record) => record.metadata as Metadata),
    });
  }
  return {
    threads: threads.length,
    messages: messages.length,
    resources: resources.length,
    vectors: indexes.flatMap((index) => index.vectors).length,
  };
}

async function read(request: ReadRequest): Promise<unknown> {
  const { threadIds = [], resourceIds = [], messageIds = [], queries = [] } = request;
  const { store, memory, vectors } = await open(request);
  const agentMemory = new Memory({ storage: store });
  const all = { perPage: false } as const;
  const indexNames = await vectors.listIndexes();
  const threads = await byId(threadIds, (threadId) => memory.getThreadById({ threadId }));
  return {
    threads,
    messages: await byId(
      threadIds,
      async (threadId) => (await memory.listMessages({ threadId, ...all })).messages,
    ),
    recalled: await byId(
      threadIds.filter((threadId) => threads[threadId] !== null),
      async (threadId) => (await agentMemory.recall({ threadId, ...all })).messages,
    ),
    messagesById: (await memory.listMessagesById({ messageIds })).messages,
    threadsByResource: await byId(
      resourceIds,
      async (resourceId) => (await memory.listThreads({ filter: { resourceId }, ...all })).threads,
    ),
    messagesByResource: await byId(
      resourceIds,
      async (resourceId) =>
        (await memory.listMessagesByResourceId({ resourceId, ...all })).messages,
    ),
    resources: await byId(resourceIds, (resourceId) => memory.getResourceById({ resourceId })),
    indexes: await byId(indexNames, (indexName) => vectors.describeIndex({ indexName })),
    queries: await Promise.all(queries.map((query) => vectors.query(query))),
  };
}

async function byId<T>(ids: string[], readOne: (id: string) => Promise<T>) {
  const entries: [string, T][] = [];
  for (const id of ids) entries.push([id, await readOne(id)]);
  return Object.fromEntries(entries);
}

/** JSON has no dates: the two columns that Mastra expects as such are made ones. */
function withDates<Row extends { createdAt: Date; updatedAt?: Date }>(row: Row): Row {
  const { createdAt, updatedAt } = row;
  return {
    ...row,
    createdAt: new Date(createdAt),
    ...(updatedAt === undefined ? {} : { updatedAt: new Date(updatedAt) }),
  };
}

await script<WriteRequest | ReadRequest>((request) =>
  request.command === "write" ? write(request) : read(request),
);
