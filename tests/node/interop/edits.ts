/**
 * Changes the stored messages of a thread, each way as a Mastra application does it.
 *
 * Input: `{url, key, storageFunction?, threadId, edit, …}`. `edit` is
 * - `update`: `ConvexStore.updateMessages` with `updates`;
 * - `continue`: the rows go through a `MessageList`, tool calls get `outcomes` (tool-invocation
 *   parts), `replies` are added as an agent's responses, and `Memory` saves it all;
 * - `ui`: the rows become a user interface's messages of the AI SDK 5, come back, and are saved.
 *
 * Output: `{saved}`, the number of messages saved.
 */
import { MessageList, type MastraDBMessage } from "@mastra/core/agent/message-list";
import { ConvexStore } from "@mastra/convex";
import { Memory } from "@mastra/memory";
import { script } from "./script.ts";

type Outcome = Parameters<MessageList["updateToolInvocation"]>[0];
type Update = Partial<MastraDBMessage> & { id: string };

type Request = {
  url: string;
  key: string;
  storageFunction?: string;
  threadId: string;
  edit: "update" | "continue" | "ui";
  updates?: Update[];
  outcomes?: Outcome[];
  replies?: MastraDBMessage[];
};

async function edited(request: Request): Promise<number> {
  const { url, key, storageFunction, threadId, edit } = request;
  const { updates = [], outcomes = [], replies = [] } = request;
  const store = new ConvexStore({
    id: "edits",
    deploymentUrl: url,
    adminAuthToken: key,
    ...(storageFunction === undefined ? {} : { storageFunction }),
  });
  const storage = await store.getStore("memory");
  if (storage === undefined) throw new Error("ConvexStore has no memory");
  if (edit === "update") {
    return (await storage.updateMessages({ messages: updates })).length;
  }
  const { messages: rows } = await storage.listMessages({ threadId, perPage: false });
  let list = new MessageList({ threadId, resourceId: rows[0]?.resourceId }).add(rows, "memory");
  if (edit === "ui") {
    const shown = list.get.all.aiV5.ui();
    list = new MessageList({ threadId, resourceId: rows[0]?.resourceId }).add(shown, "input");
  }
  for (const outcome of outcomes) {
    if (!list.updateToolInvocation(outcome)) throw new Error("no such tool call");
  }
  for (const reply of replies) {
    list.add({ ...reply, createdAt: new Date(reply.createdAt) }, "response");
  }
  const saved = list.get.all.db();
  await new Memory({ storage: store }).saveMessages({ messages: saved });
  return saved.length;
}

await script<Request>(async (request) => ({ saved: await edited(request) }));
