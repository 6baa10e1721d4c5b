/**
 * `convex_mastra/documents:page`: a page of a logical table of `mastra_documents`.
 *
 * Mastra's handler reads such a table from its beginning only, and no more than 10,000 rows.
 * Optional: without it the Python client cannot list longer ones, and says so. Internal, so that
 * only a deployment's key may call it.
 */
import type { mastraDocumentsTable } from "@mastra/convex/schema";
import {
  type DataModelFromSchemaDefinition,
  type SchemaDefinition,
  internalQueryGeneric,
  type GenericQueryCtx,
} from "convex/server";
import { v } from "convex/values";

type Schema = SchemaDefinition<{ mastra_documents: typeof mastraDocumentsTable }, true>;
type Context = GenericQueryCtx<DataModelFromSchemaDefinition<Schema>>;

export const page = internalQueryGeneric({
  args: { table: v.string(), cursor: v.union(v.string(), v.null()), limit: v.number() },
  handler: async (ctx: Context, { table, cursor, limit }) => {
    const found = await ctx.db
      .query("mastra_documents")
      .withIndex("by_table", (range) => range.eq("table", table))
      .paginate({ cursor, numItems: limit });
    return {
      records: found.page.map((row) => row.record),
      isDone: found.isDone,
      continueCursor: found.continueCursor,
    };
  },
});
