/**
 * The npm client's other domains, its cache and its native vectors, as the benchmarks measure them.
 *
 *     node domains.ts
 *
 * Standard input's first line is `{url, key, nativeIndexes}`; every further line is a `Command`,
 * answered by one line: `{elapsedMs, result}`. Timed are the calls alone, one after the other, each
 * awaited. Ends when its input does.
 */
import { Console } from "node:console";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { ConvexNativeVector, ConvexServerCache, ConvexStore } from "@mastra/convex";

/** Do a domain's main write, or its main read, once for each of the ids. */
type Command = { domain: string; work: "write" | "read"; ids: string[] };
type Work = { write: (id: string) => Promise<unknown>; read: (id: string) => Promise<unknown> };
type NativeIndexes = ConstructorParameters<typeof ConvexNativeVector>[0]["indexes"];
type Place = { url: string; key: string; nativeIndexes: NativeIndexes };

// Standard output carries the answers and nothing else, whatever a library prints.
globalThis.console = new Console({ stdout: process.stderr, stderr: process.stderr });

const PERSISTS = 5;
const CREATED = new Date(Date.UTC(2026, 0, 1));

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const first = await lines.next();
if (first.done) throw new Error("no place was given");
const { url: deploymentUrl, key: adminAuthToken, nativeIndexes } = JSON.parse(first.value) as Place;
const place = { deploymentUrl, adminAuthToken };
const domains = await openDomains();

for await (const line of lines) {
  const { domain, work, ids } = JSON.parse(line) as Command;
  const call = domains[domain]?.[work];
  if (call === undefined) throw new Error(`no such domain: ${domain}`);
  const results: unknown[] = [];
  const started = performance.now();
  for (const id of ids) results.push(await call(id));
  const elapsedMs = performance.now() - started;
  const result = work === "read" ? results : results.length;
  process.stdout.write(`${JSON.stringify({ elapsedMs, result })}\n`);
}

async function openDomains(): Promise<Record<string, Work>> {
  const store = new ConvexStore({ id: "benchmark", ...place });
  const workflows = found(await store.getStore("workflows"));
  const scores = found(await store.getStore("scores"));
  const schedules = found(await store.getStore("schedules"));
  const channels = found(await store.getStore("channels"));
  const tasks = found(await store.getStore("backgroundTasks"));
  const memory = found(await store.getStore("memory"));
  const cache = new ConvexServerCache(place);
  const native = new ConvexNativeVector({ id: "benchmark", ...place, indexes: nativeIndexes });
  const [indexName = ""] = Object.keys(nativeIndexes);
  const memories = new Map<string, string>();
  type Snapshot = Parameters<typeof workflows.persistWorkflowSnapshot>[0]["snapshot"];
  type Score = Parameters<typeof scores.saveScore>[0];

  return {
    workflows: {
      write: async (runId) => {
        for (let step = 0; step < PERSISTS; step += 1) {
          const snapshot = { runId, status: "running", context: { step, text: "x".repeat(500) } };
          await workflows.persistWorkflowSnapshot({
            workflowName: "wf",
            runId,
            snapshot: snapshot as unknown as Snapshot,
          });
        }
      },
      read: async (runId) =>
        (await workflows.loadWorkflowSnapshot({ workflowName: "wf", runId }))?.runId,
    },
    scores: {
      write: (runId) =>
        scores.saveScore({
          scorerId: "helpful",
          runId,
          scorer: { id: "helpful" },
          score: 0.5,
          input: { text: "what?" },
          output: { text: "that" },
          source: "LIVE",
        } as unknown as Score),
      read: async (runId) => {
        const page = await scores.listScoresByRunId({ runId, pagination: { page: 0, perPage: 9 } });
        return page.scores[0]?.runId;
      },
    },
    schedules: {
      write: (id) =>
        schedules.createSchedule({
          id,
          target: { type: "workflow", workflowId: "wf" },
          cron: "0 9 * * *",
          status: "active",
          nextFireAt: CREATED.getTime(),
          createdAt: CREATED.getTime(),
          updatedAt: CREATED.getTime(),
        }),
      read: async (id) => (await schedules.getSchedule(id))?.id,
    },
    channels: {
      write: (id) =>
        channels.saveInstallation({
          id,
          platform: "slack",
          agentId: "agent",
          status: "active",
          data: { team: "T" },
          createdAt: CREATED,
          updatedAt: CREATED,
        }),
      read: async (id) => (await channels.getInstallation(id))?.id,
    },
    tasks: {
      write: (id) =>
        tasks.createTask({
          id,
          status: "pending",
          toolName: "weather",
          toolCallId: "call",
          args: { city: "Oslo" },
          agentId: "agent",
          runId: "run",
          retryCount: 0,
          maxRetries: 2,
          timeoutMs: 300_000,
          createdAt: CREATED,
        }),
      read: async (id) => (await tasks.getTask(id))?.id,
    },
    observations: {
      write: async (threadId) => {
        let id = memories.get(threadId);
        if (id === undefined) {
          const begun = await memory.initializeObservationalMemory({
            threadId,
            resourceId: "ann",
            scope: "thread",
            config: {},
          });
          id = begun.id;
          memories.set(threadId, id);
        }
        await memory.updateActiveObservations({
          id,
          observations: "* likes tea",
          tokenCount: 3,
          lastObservedAt: CREATED,
        });
      },
      read: async (threadId) => (await memory.getObservationalMemory(threadId, "ann"))?.threadId,
    },
    cache: {
      write: (key) => cache.set(key, { key, text: "x".repeat(200) }),
      read: async (key) => ((await cache.get(key)) as { key: string }).key,
    },
    native: {
      write: (id) =>
        native.upsert({ indexName, vectors: [[1, 0, 0]], ids: [id], metadata: [{ text: id }] }),
      read: async () =>
        (await native.query({ indexName, queryVector: [1, 0.1, 0], topK: 2 })).length,
    },
  };
}

function found<T>(domain: T | undefined): T {
  if (domain === undefined) throw new Error("ConvexStore lacks a domain");
  return domain;
}
