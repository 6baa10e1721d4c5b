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
type Row = { table: "mastra_documents" | "mastra_workflow_snapshots"; fields: never };

export const insert = mutationGeneric(async (ctx: Context, { table, fields }: Row) => {
  // Which fields a row has is the test's business; the mock checks them against the schema.
  await ctx.db.insert(table, fields);
});
