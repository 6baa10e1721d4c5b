/**
 * Rows that no function of today's server writes, but older servers left behind: background tasks
 * as documents, workflow snapshots without an id.
 *
 * Deployed as `seed:insert` only when the server is started with `--probes`.
 */
import {
  mutationGeneric,
  type DataModelFromSchemaDefinition,
  type GenericMutationCtx,
} from "convex/server";
import type schema from "../../../../convex/src/schema.ts";

type Context = GenericMutationCtx<DataModelFromSchemaDefinition<typeof schema>>;
type Seed = { [T in "mastra_documents" | "mastra_workflow_snapshots"]: Row<T> };
type Row<T extends Parameters<Context["db"]["insert"]>[0]> = {
  table: T;
  fields: Parameters<Context["db"]["insert"]>[1];
};

export const insert = mutationGeneric(async (ctx: Context, row: Seed[keyof Seed]) => {
  await ctx.db.insert(row.table, row.fields as never);
});
