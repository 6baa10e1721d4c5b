/** The other domains of npm's `ConvexStore`: workflows, scores, schedules, channels, tasks. */
import { ConvexStore } from "@mastra/convex";
import { at, type Place, Steps } from "./steps.ts";

const open = (place: Place) => new ConvexStore({ id: "tour", ...place });

function found<T>(domain: T | undefined): T {
  if (domain === undefined) throw new Error("ConvexStore lacks a domain");
  return domain;
}

export async function tourWorkflows(place: Place): Promise<Steps> {
  const steps = new Steps();
  const workflows = found(await open(place).getStore("workflows"));
  const run = { workflowName: "tour-wf", runId: "tour-run" };
  const snapshot = {
    runId: run.runId,
    status: "running",
    value: {},
    context: { input: { $schema: "x", é: 1 } },
    serializedStepGraph: [],
    activePaths: [],
    activeStepsPath: {},
    suspendedPaths: {},
    resumeLabels: {},
    waitingPaths: {},
    timestamp: 1,
  } as unknown as Parameters<typeof workflows.persistWorkflowSnapshot>[0]["snapshot"];
  const result = { status: "success", output: [1, null], payload: {}, startedAt: 1, endedAt: 2 };
  type Result = Parameters<typeof workflows.updateWorkflowResults>[0]["result"];
  await steps.take("persist", () =>
    workflows.persistWorkflowSnapshot({
      ...run,
      resourceId: "ann",
      snapshot,
      createdAt: at(1),
      updatedAt: at(2),
    }),
  );
  await steps.take("load", () => workflows.loadWorkflowSnapshot(run));
  await steps.take("load none", () => workflows.loadWorkflowSnapshot({ ...run, runId: "none" }));
  for (const output of [
    [1, null],
    [null, 2],
  ]) {
    await steps.take("step result", () =>
      workflows.updateWorkflowResults({
        ...run,
        stepId: "each",
        result: { ...result, output } as unknown as Result,
        requestContext: { user: "ann" },
      }),
    );
  }
  await steps.take("state", () =>
    workflows.updateWorkflowState({ ...run, opts: { status: "success" } }),
  );
  await steps.take("state of none", () =>
    workflows.updateWorkflowState({ ...run, runId: "none", opts: { status: "success" } }),
  );
  await steps.take("list", () => workflows.listWorkflowRuns({ workflowName: "tour-wf" }));
  await steps.take("get", () => workflows.getWorkflowRunById({ runId: run.runId }));
  return steps;
}

export async function tourScores(place: Place): Promise<Steps> {
  const steps = new Steps();
  const scores = found(await open(place).getStore("scores"));
  for (const score of [0.25, 0.75]) {
    await steps.take("save", () =>
      scores.saveScore({
        scorerId: "tour-scorer",
        entityId: "tour-agent",
        entityType: "AGENT",
        entity: { id: "tour-agent" },
        scorer: { id: "tour-scorer", name: "S" },
        runId: "tour-run",
        input: { q: "é", n: 1 },
        output: { text: "x" },
        score,
        reason: "because",
        source: "LIVE",
        metadata: { a: [1.5] },
      } as unknown as Parameters<typeof scores.saveScore>[0]),
    );
  }
  await steps.take("save what has no input", () =>
    scores.saveScore({ scorerId: "tour-scorer", runId: "r", score: 1 } as unknown as Parameters<
      typeof scores.saveScore
    >[0]),
  );
  const pagination = { page: 0, perPage: 10 };
  const byScore = async (page: Promise<{ scores: { score: number }[] }>) => {
    // Two scores of one millisecond have no order.
    const { scores: rows, ...rest } = await page;
    return { ...rest, scores: rows.sort((a, b) => a.score - b.score) };
  };
  await steps.take("by scorer", () =>
    byScore(scores.listScoresByScorerId({ scorerId: "tour-scorer", pagination })),
  );
  await steps.take("by run", () =>
    byScore(scores.listScoresByRunId({ runId: "tour-run", pagination })),
  );
  await steps.take("by entity", () =>
    byScore(
      scores.listScoresByEntityId({ entityId: "tour-agent", entityType: "AGENT", pagination }),
    ),
  );
  await steps.take("get none", () => scores.getScoreById({ id: "tour-none" }));
  return steps;
}

export async function tourSchedules(place: Place): Promise<Steps> {
  const steps = new Steps();
  const schedules = found(await open(place).getStore("schedules"));
  const schedule = (id: string, nextFireAt: number) => ({
    id,
    target: { type: "workflow" as const, workflowId: "tour-wf", inputData: { $x: "é" } },
    cron: "0 9 * * *",
    status: "active" as const,
    nextFireAt,
    createdAt: nextFireAt - 1,
    updatedAt: nextFireAt - 1,
    metadata: { a: 1 },
    ownerType: "user",
    ownerId: "ann",
  });
  await steps.take("create", () => schedules.createSchedule(schedule("tour-s1", 1000)));
  await steps.take("create again", () => schedules.createSchedule(schedule("tour-s1", 1000)));
  await steps.take("create another", () => schedules.createSchedule(schedule("tour-s2", 2000)));
  await steps.take("due", () => schedules.listDueSchedules(1500));
  await steps.take("fire", () =>
    schedules.updateScheduleNextFire("tour-s1", 1000, 3000, 1001, "tour-run"),
  );
  await steps.take("fire late", () =>
    schedules.updateScheduleNextFire("tour-s1", 1000, 4000, 1002, "tour-run"),
  );
  await steps.take("update", () =>
    schedules.updateSchedule("tour-s2", { status: "paused", ownerId: null as never }),
  );
  await steps.take("update none", () => schedules.updateSchedule("tour-none", { cron: "x" }));
  for (const n of [1, 2, 3]) {
    await steps.take("trigger", () =>
      schedules.recordTrigger({
        id: `tour-trigger${n}`,
        scheduleId: "tour-s1",
        runId: `run${n}`,
        scheduledFireAt: 1000 * n,
        actualFireAt: 1000 * n + 1,
        outcome: "published",
        metadata: { n },
      }),
    );
  }
  await steps.take("triggers", () =>
    schedules.listTriggers("tour-s1", { fromActualFireAt: 1001, toActualFireAt: 3001, limit: 5 }),
  );
  await steps.take("list", () => schedules.listSchedules({ workflowId: "tour-wf" }));
  await steps.take("list of nobody", () => schedules.listSchedules({ ownerId: null }));
  await steps.take("delete", () => schedules.deleteSchedule("tour-s2"));
  await steps.take("get it", () => schedules.getSchedule("tour-s2"));
  await steps.take("get", () => schedules.getSchedule("tour-s1"));
  return steps;
}

export async function tourChannels(place: Place): Promise<Steps> {
  const steps = new Steps();
  const channels = found(await open(place).getStore("channels"));
  const installation = (id: string, status: "active" | "pending") => ({
    id,
    platform: "tour-slack",
    agentId: "tour-agent",
    status,
    webhookId: `${id}-hook`,
    data: { team: "T", $secret: "é" },
    createdAt: at(id.length),
    updatedAt: at(0),
  });
  await steps.take("save", () => channels.saveInstallation(installation("tour-i1", "pending")));
  await steps.take("save", () => channels.saveInstallation(installation("tour-i22", "active")));
  await steps.take("get", () => channels.getInstallation("tour-i1"));
  await steps.take("by agent", () => channels.getInstallationByAgent("tour-slack", "tour-agent"));
  await steps.take("by webhook", () => channels.getInstallationByWebhookId("tour-i1-hook"));
  await steps.take("list", () => channels.listInstallations("tour-slack"));
  await steps.take("delete", () => channels.deleteInstallation("tour-i1"));
  await steps.take("get it", () => channels.getInstallation("tour-i1"));
  await steps.take("configure", () =>
    channels.saveConfig({ platform: "tour-slack", data: { tok: "x" }, updatedAt: at(9) }),
  );
  await steps.take("configuration", () => channels.getConfig("tour-slack"));
  await steps.take("no configuration", () => channels.getConfig("tour-none"));
  return steps;
}

export async function tourBackgroundTasks(place: Place): Promise<Steps> {
  const steps = new Steps();
  const tasks = found(await open(place).getStore("backgroundTasks"));
  const task = (id: string, seconds: number) => ({
    id,
    status: "pending" as const,
    toolName: "tool",
    toolCallId: `${id}-call`,
    args: { $x: "é", n: 1 },
    agentId: "tour-agent",
    threadId: "tour-t1",
    runId: "tour-run",
    retryCount: 0,
    maxRetries: 2,
    timeoutMs: 1000,
    createdAt: at(seconds),
  });
  await steps.take("create", () => tasks.createTask(task("tour-b1", 1)));
  await steps.take("create another", () => tasks.createTask(task("tour-b2", 2)));
  await steps.take("run it", () =>
    tasks.updateTask("tour-b1", { status: "running", startedAt: at(3) }),
  );
  await steps.take("complete it", () =>
    tasks.updateTask("tour-b1", { status: "completed", result: { r: [1] }, completedAt: at(4) }),
  );
  await steps.take("get", () => tasks.getTask("tour-b1"));
  await steps.take("get none", () => tasks.getTask("tour-none"));
  await steps.take("list", () =>
    tasks.listTasks({ agentId: "tour-agent", orderBy: "createdAt", orderDirection: "desc" }),
  );
  await steps.take("list some", () =>
    tasks.listTasks({ status: ["completed", "failed"], fromDate: at(0), toDate: at(9) }),
  );
  await steps.take("running", () => tasks.getRunningCount());
  await steps.take("delete by filter", () => tasks.deleteTasks({ status: "pending" }));
  await steps.take("left", () => tasks.listTasks({ runId: "tour-run" }));
  return steps;
}
