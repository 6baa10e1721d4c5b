/**
 * Writes, merges into and reads workflow runs as a Mastra application does: npm's `ConvexStore`.
 *
 * Input: `{url, key, steps: Step[]}`; every step is one call of the workflows domain, and its
 * result one element of the answer. Times are ISO strings in both directions.
 */
import { ConvexStore } from "@mastra/convex";
import type { WorkflowsStorage } from "@mastra/core/storage";
import { script } from "./script.ts";

type Method =
  | "persistWorkflowSnapshot"
  | "loadWorkflowSnapshot"
  | "updateWorkflowResults"
  | "updateWorkflowState"
  | "listWorkflowRuns"
  | "getWorkflowRunById"
  | "deleteWorkflowRunById";
type Step = { method: Method; args: Record<string, unknown> };
type Request = { url: string; key: string; steps: Step[] };

const DATES = ["createdAt", "updatedAt", "fromDate", "toDate"];

await script<Request>(async ({ url: deploymentUrl, key: adminAuthToken, steps }) => {
  const store = new ConvexStore({ id: "interop", deploymentUrl, adminAuthToken });
  const workflows = (await store.getStore("workflows")) as WorkflowsStorage;
  const results: unknown[] = [];
  for (const { method, args } of steps) {
    const call = workflows[method].bind(workflows) as (args: unknown) => Promise<unknown>;
    results.push((await call(withDates(args))) ?? null);
  }
  return results;
});

function withDates(args: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [
      name,
      DATES.includes(name) ? new Date(value as string) : value,
    ]),
  );
}
