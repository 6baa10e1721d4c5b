/**
 * Remembers messages as a Mastra application with semantic recall does, and recalls them: npm's
 * `Memory` with `ConvexStore` and `ConvexVector`.
 *
 * Input: `{url, key, threadId, resourceId, messages: [{id, role, text}], search}`. Answers with the
 * names of the vector indexes, and the ids of what resembles *search*.
 */
import { ConvexStore, ConvexVector } from "@mastra/convex";
import type { MastraDBMessage } from "@mastra/core/agent/message-list";
import { Memory } from "@mastra/memory";
import { embedder } from "./letters.ts";
import { script } from "./script.ts";

type Request = {
  url: string;
  key: string;
  threadId: string;
  resourceId: string;
  messages: { id: string; role: "user" | "assistant"; text: string }[];
  search: string;
};

async function run({ url, key, threadId, resourceId, messages, search }: Request) {
  const place = { deploymentUrl: url, adminAuthToken: key };
  const vector = new ConvexVector({ id: "interop-recall-vectors", ...place });
  const memory = new Memory({
    storage: new ConvexStore({ id: "interop-recall", ...place }),
    vector,
    embedder,
    options: { semanticRecall: { topK: 1, messageRange: 0, scope: "thread" } },
  });
  const thread = { threadId, resourceId };
  await memory.createThread(thread);
  const rows = messages.map(({ id, role, text }, n): MastraDBMessage => ({
    id,
    ...thread,
    role,
    type: "v2",
    createdAt: new Date(Date.UTC(2026, 0, 1, 0, 0, n)),
    content: { format: 2, parts: [{ type: "text", text }], content: text },
  }));
  if (rows.length > 0) await memory.saveMessages({ messages: rows });
  const recalled = await memory.recall({ ...thread, perPage: 0, vectorSearchString: search });
  return {
    indexes: await vector.listIndexes(),
    recalled: recalled.messages.map(({ id }) => id),
  };
}

await script(run);
