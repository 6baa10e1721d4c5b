/**
 * Rows that no function of today's server writes: those that older servers left behind (background
 * tasks as documents, workflow snapshots without an id), and a cache in disorder.
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
type Row = {
  table:
    "mastra_documents" | "mastra_workflow_snapshots" | "mastra_cache" | "mastra_cache_list_items";
  fields: never;
};

export const insert = mutationGeneric(async (ctx: Context, { table, fields }: Row) => {
  // Which fields a row has is the test's business; the mock checks them against the schema.
  await ctx.db.insert(table, fields);
});
