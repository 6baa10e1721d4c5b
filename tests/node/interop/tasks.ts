/**
 * Writes and reads background tasks and scores as a Mastra application does: the domains of npm's
 * `ConvexStore`.
 *
 * Input: `{url, key, command: "write" | "read", …}`; the fields of either command are those of
 * `WriteRequest` and `ReadRequest`. Times are ISO strings in both directions.
 */
import type {
  BackgroundTask,
  TaskFilter,
  UpdateBackgroundTask,
} from "@mastra/core/background-tasks";
import { ConvexStore } from "@mastra/convex";
import type { SaveScorePayload } from "@mastra/core/evals";
import { script } from "./script.ts";

type Place = { url: string; key: string };

/** What is to be done, in this order. Absent lists are empty. */
type WriteRequest = Place & {
  command: "write";
  tasks?: BackgroundTask[];
  updates?: { id: string; changes: UpdateBackgroundTask }[];
  deleteTasks?: TaskFilter[];
  scores?: SaveScorePayload[];
};

/** What is to be read back. Absent lists are empty. */
type ReadRequest = Place & {
  command: "read";
  taskIds?: string[];
  taskFilters?: TaskFilter[];
  agentIds?: string[];
  scoreIds?: string[];
  scorerIds?: string[];
  runIds?: string[];
  entities?: { entityId: string; entityType: "AGENT" | "WORKFLOW" }[];
};

const TASK_TIMES = ["createdAt", "startedAt", "suspendedAt", "completedAt"] as const;
const FILTER_TIMES = ["fromDate", "toDate"] as const;

async function open({ url, key }: Place) {
  const store = new ConvexStore({ id: "interop", deploymentUrl: url, adminAuthToken: key });
  const tasks = await store.getStore("backgroundTasks");
  const scores = await store.getStore("scores");
  if (tasks === undefined || scores === undefined) throw new Error("ConvexStore lacks a domain");
  return { tasks, scores };
}

async function write(request: WriteRequest): Promise<unknown> {
  const { tasks, scores } = await open(request);
  for (const task of request.tasks ?? []) await tasks.createTask(withDates(task, TASK_TIMES));
  for (const { id, changes } of request.updates ?? []) {
    await tasks.updateTask(id, withDates(changes, TASK_TIMES));
  }
  for (const filter of request.deleteTasks ?? []) {
    await tasks.deleteTasks(withDates(filter, FILTER_TIMES));
  }
  const saved = [];
  for (const score of request.scores ?? []) saved.push((await scores.saveScore(score)).score);
  return { scores: saved };
}

async function read(request: ReadRequest): Promise<unknown> {
  const { tasks, scores } = await open(request);
  const pagination = { page: 0, perPage: false } as const;
  return {
    tasks: await inTurn(request.taskIds, (id) => tasks.getTask(id)),
    taskLists: await inTurn(request.taskFilters, (filter) =>
      tasks.listTasks(withDates(filter, FILTER_TIMES)),
    ),
    running: await inTurn(request.agentIds, (id) => tasks.getRunningCountByAgent(id)),
    scores: await inTurn(request.scoreIds, (id) => scores.getScoreById({ id })),
    byScorer: await inTurn(request.scorerIds, (scorerId) =>
      scores.listScoresByScorerId({ scorerId, pagination }),
    ),
    byRun: await inTurn(request.runIds, (runId) => scores.listScoresByRunId({ runId, pagination })),
    byEntity: await inTurn(request.entities, (entity) =>
      scores.listScoresByEntityId({ ...entity, pagination }),
    ),
  };
}

async function inTurn<Item, Answer>(
  items: Item[] | undefined,
  ask: (item: Item) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const item of items ?? []) answers.push(await ask(item));
  return answers;
}

/** JSON has no dates: the named fields, where they hold a text, are made ones. */
function withDates<Row extends object>(row: Row, names: readonly string[]): Row {
  const entries = Object.entries(row).map(([name, value]) => [
    name,
    names.includes(name) && typeof value === "string" ? new Date(value) : value,
  ]);
  return Object.fromEntries(entries) as Row;
}

await script<WriteRequest | ReadRequest>((request) =>
  request.command === "write" ? write(request) : read(request),
);
