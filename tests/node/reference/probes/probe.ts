/**
 * Functions with which the tests of the reference server reach what Mastra's functions never do:
 * queries, actions, internal functions, errors with data, output to the console.
 *
 * Deployed as `probe:…` only when the server is started with `--probes`.
 */
import {
  actionGeneric,
  internalMutationGeneric,
  makeFunctionReference,
  mutationGeneric,
  queryGeneric,
  type DataModelFromSchemaDefinition,
  type GenericMutationCtx,
} from "convex/server";
import { ConvexError } from "convex/values";
import type schema from "../../../../convex/src/schema.ts";

export const echo = queryGeneric(async (_ctx, args: Record<string, unknown>) => args);

export const act = actionGeneric(async (_ctx, args: Record<string, unknown>) => args);

export const secret = internalMutationGeneric(async () => "internal");

export const nothing = mutationGeneric(async () => {});

export const refuse = mutationGeneric(async (ctx) => {
  await ctx.db.insert("mastra_documents", { table: "probe", primaryKey: "1", record: null });
  throw new ConvexError({ reason: "no", count: 5 });
});

export const fail = mutationGeneric(async () => {
  throw new TypeError("not like this");
});

export const noisy = mutationGeneric(async () => {
  console.log("noise");
  return "quiet";
});

type Context = GenericMutationCtx<DataModelFromSchemaDefinition<typeof schema>>;
type Row = { table: string; primaryKey: string };
type Step =
  | { do: "insert" | "delete" | "find"; row: Row }
  | { do: "move"; row: Row; to: Row }
  | { do: "scan"; table?: string }
  | { do: "nest"; steps: Step[]; fails: boolean };

/** Writes rows and reads them again before they are committed, in transactions inside another. */
export const churn = mutationGeneric(async (ctx, { steps }: { steps: Step[] }) => {
  const seen: unknown[] = [];
  for (const step of steps) seen.push(await take(ctx, step));
  return seen;
});

export const churnAndFail = mutationGeneric(async (ctx, { steps }: { steps: Step[] }) => {
  for (const step of steps) await take(ctx, step);
  throw new Error("rolled back");
});

async function take(ctx: Context, step: Step): Promise<unknown> {
  const documents = ctx.db.query("mastra_documents");
  if (step.do === "insert") {
    return await ctx.db.insert("mastra_documents", { ...step.row, record: null });
  }
  if (step.do === "scan") {
    const { table } = step;
    if (table === undefined) return await documents.order("desc").collect();
    return await documents.withIndex("by_table", (q) => q.eq("table", table)).collect();
  }
  if (step.do === "nest") {
    const name = step.fails ? "probe:churnAndFail" : "probe:churn";
    const nested = ctx.runMutation(makeFunctionReference<"mutation">(name), { steps: step.steps });
    return await nested.catch(() => "failed");
  }
  const { table, primaryKey } = step.row;
  const found = await documents
    .withIndex("by_table_primary", (q) => q.eq("table", table).eq("primaryKey", primaryKey))
    .collect();
  for (const { _id } of found) {
    if (step.do === "delete") await ctx.db.delete(_id);
    if (step.do === "move") await ctx.db.patch(_id, step.to);
  }
  return found;
}

export default queryGeneric(async () => "default export");
