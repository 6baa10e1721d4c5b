/** The memory domain of npm's `ConvexStore`: threads, messages, resources, observational memory. */
import { ConvexStore } from "@mastra/convex";
import type { MastraDBMessage } from "@mastra/core/agent/message-list";
import type { MemoryStorage } from "@mastra/core/storage";
import { at, type Place, Steps } from "./steps.ts";

export async function tourMemory(place: Place): Promise<Steps> {
  const steps = new Steps();
  const memory = await new ConvexStore({ id: "tour", ...place }).getStore("memory");
  if (memory === undefined) throw new Error("ConvexStore has no memory");
  const thread = (id: string, seconds: number) => ({
    id,
    resourceId: "ann",
    title: `Títle of ${id}`,
    metadata: { kind: id, n: 1 },
    createdAt: at(seconds),
    updatedAt: at(seconds),
  });
  const message = (n: number, text: string): MastraDBMessage => ({
    id: `tour-m${n}`,
    threadId: "tour-t1",
    resourceId: "ann",
    role: n % 2 ? "user" : "assistant",
    type: "v2",
    createdAt: at(n),
    content: { format: 2, parts: [{ type: "text", text }], content: text, metadata: { n } },
  });

  await steps.take("save a thread", () => memory.saveThread({ thread: thread("tour-t1", 1) }));
  await steps.take("save another", () => memory.saveThread({ thread: thread("tour-t2", 2) }));
  await steps.take("get it", () => memory.getThreadById({ threadId: "tour-t1" }));
  await steps.take("get it for another", () =>
    memory.getThreadById({ threadId: "tour-t1", resourceId: "bob" }),
  );
  await steps.take("update it", () =>
    memory.updateThread({ id: "tour-t1", title: "new", metadata: { n: 2, more: [1, null] } }),
  );
  await steps.take("update none", () =>
    memory.updateThread({ id: "tour-none", title: "new", metadata: {} }),
  );
  await steps.take("list threads", () =>
    memory.listThreads({
      filter: { resourceId: "ann" },
      orderBy: { field: "createdAt", direction: "ASC" },
      perPage: 1,
    }),
  );
  await steps.take("list by metadata", () =>
    memory.listThreads({ filter: { metadata: { kind: "tour-t2" } } }),
  );
  await steps.take("save messages", () =>
    memory.saveMessages({ messages: [1, 2, 3, 4, 5].map((n) => message(n, `text ${n} é`)) }),
  );
  await steps.take("list messages", () =>
    memory.listMessages({ threadId: "tour-t1", perPage: 2, page: 1 }),
  );
  await steps.take("list around one", () =>
    memory.listMessages({
      threadId: "tour-t1",
      perPage: 0,
      include: [{ id: "tour-m3", withPreviousMessages: 1, withNextMessages: 1 }],
    }),
  );
  await steps.take("list by time", () =>
    memory.listMessages({
      threadId: "tour-t1",
      filter: { dateRange: { start: at(2), end: at(4), endExclusive: true } },
    }),
  );
  await steps.take("list by a message's metadata", () =>
    memory.listMessages({ threadId: "tour-t1", filter: { metadata: { n: 4 } } }),
  );
  await steps.take("list by resource", () =>
    memory.listMessagesByResourceId({ resourceId: "ann", perPage: 2 }),
  );
  await steps.take("by id", () =>
    memory.listMessagesById({ messageIds: ["tour-m5", "tour-m1", "tour-none"] }),
  );
  await steps.take("update messages", () =>
    memory.updateMessages({
      messages: [
        {
          id: "tour-m2",
          content: { metadata: { seen: true } } as unknown as MastraDBMessage["content"],
        },
      ],
    }),
  );
  await steps.take("delete messages", () => memory.deleteMessages(["tour-m5"]));
  await steps.take("all that is left", () =>
    memory.listMessages({ threadId: "tour-t1", perPage: false }),
  );
  await steps.take("save a resource", () =>
    memory.saveResource({
      resource: {
        id: "tour-r",
        workingMemory: "# Ann",
        metadata: { a: 1 },
        createdAt: at(0),
        updatedAt: at(0),
      },
    }),
  );
  await steps.take("update it", () =>
    memory.updateResource({
      resourceId: "tour-r",
      workingMemory: "# Ann\n- Oslo",
      metadata: { b: 2 },
    }),
  );
  await steps.take("get it", () => memory.getResourceById({ resourceId: "tour-r" }));
  await observe(steps, memory);
  return steps;
}

async function observe(steps: Steps, memory: MemoryStorage): Promise<void> {
  const first = await steps.take("begin to observe", () =>
    memory.initializeObservationalMemory({
      threadId: "tour-t1",
      resourceId: "ann",
      scope: "thread",
      config: { observation: { messageTokens: 10 } },
      observedTimezone: "Europe/Oslo",
    }),
  );
  if (first === undefined) return;
  const { id } = first;
  await steps.take("observe", () =>
    memory.updateActiveObservations({
      id,
      observations: "* likes tea",
      tokenCount: 3,
      lastObservedAt: at(3),
      observedMessageIds: ["tour-m1"],
    }),
  );
  for (const n of [1, 2]) {
    await steps.take(`buffer ${n}`, () =>
      memory.updateBufferedObservations({
        id,
        chunk: {
          cycleId: `cycle${n}`,
          observations: `* said ${n}`,
          tokenCount: 2 * n,
          messageIds: [`tour-m${n}`],
          messageTokens: 10 * n,
          lastObservedAt: at(n),
        },
        lastBufferedAtTime: at(n),
      }),
    );
  }
  await steps.take("swap", () =>
    memory.swapBufferedToActive({
      id,
      activationRatio: 0.5,
      messageTokensThreshold: 20,
      currentPendingTokens: 30,
    }),
  );
  await steps.take("flag", () => memory.setObservingFlag(id, true));
  await steps.take("flag none", () => memory.setObservingFlag("tour-none", true));
  await steps.take("configure", () =>
    memory.updateObservationalMemoryConfig({ id, config: { observation: { x: 1 }, y: 2 } }),
  );
  const current = await steps.take("observed", () =>
    memory.getObservationalMemory("tour-t1", "ann"),
  );
  if (!current) return;
  await steps.take("reflect", () =>
    memory.createReflectionGeneration({
      currentRecord: current,
      reflection: "* all in all",
      tokenCount: 4,
    }),
  );
  await steps.take("history", () => memory.getObservationalMemoryHistory("tour-t1", "ann"));
}
