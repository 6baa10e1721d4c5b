/** npm's `Memory`, as agents use it: threads, recall, working memory, semantic recall. */
import { ConvexStore, ConvexVector } from "@mastra/convex";
import type { MastraDBMessage } from "@mastra/core/agent/message-list";
import { Memory } from "@mastra/memory";
import { embedder } from "../letters.ts";
import { at, type Place, Steps } from "./steps.ts";

export async function tourAgentMemory(place: Place): Promise<Steps> {
  const steps = new Steps();
  const memory = new Memory({
    storage: new ConvexStore({ id: "tour-agent", ...place }),
    vector: new ConvexVector({ id: "tour-agent-vectors", ...place }),
    embedder,
    options: {
      lastMessages: 2,
      semanticRecall: { topK: 1, messageRange: 1, scope: "thread" },
      workingMemory: { enabled: true, scope: "resource" },
    },
  });
  const [threadId, resourceId] = ["tour-agent-t", "tour-agent-r"];
  const thread = { threadId, resourceId };
  const texts = ["abc abc", "where is the cat", "zzz zzz zzz", "it is in Oslo", "qqq qqq"];
  const messages = texts.map((text, n): MastraDBMessage => ({
    id: `tour-agent-m${n}`,
    ...thread,
    role: n % 2 ? "assistant" : "user",
    type: "v2",
    createdAt: at(n),
    content: { format: 2, parts: [{ type: "text", text }], content: text },
  }));
  await steps.take("create a thread", () =>
    memory.createThread({ ...thread, title: "Tour", metadata: { a: 1 } }),
  );
  await steps.take("save", async () => (await memory.saveMessages({ messages })).messages);
  await steps.take("recall", async () => (await memory.recall(thread)).messages);
  await steps.take("recall all", async () =>
    (await memory.recall({ ...thread, perPage: false })).messages.map(({ id }) => id),
  );
  await steps.take("recall what resembles", async () =>
    (await memory.recall({ ...thread, perPage: 0, vectorSearchString: "zzzz zz" })).messages.map(
      ({ id }) => id,
    ),
  );
  await steps.take("remember", () =>
    memory.updateWorkingMemory({ ...thread, workingMemory: "# Ann\n- cat: Oslo" }),
  );
  await steps.take("what is remembered", () => memory.getWorkingMemory(thread));
  await steps.take("what the agent is told", () => memory.getSystemMessage(thread));
  await steps.take("list threads", async () =>
    (await memory.listThreads({ filter: { resourceId } })).threads.map(({ id }) => id),
  );
  await steps.take("delete messages", () => memory.deleteMessages(["tour-agent-m4"]));
  await steps.take("recall the rest", async () =>
    (await memory.recall({ ...thread, perPage: false })).messages.map(({ id }) => id),
  );
  return steps;
}
