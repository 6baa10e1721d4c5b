/**
 * `convex_mastra/documents:page`: a page of a logical table of `mastra_documents`.
 * `convex_mastra/documents:ranges`: the first records of several ranges, as of one moment.
 * `convex_mastra/documents:load`: the records under any number of keys of a table.
 * `convex_mastra/documents:write`: records of several tables, all or none.
 * `convex_mastra/documents:remove`: what is under keys of several tables, all or none.
 *
 * Mastra's handler reads such a table from its beginning only, no more than 10,000 rows, or by
 * ten keys, and writes or deletes in one table a call. Optional: without `page` the Python client cannot list
 * longer ones, and says so; without the others it takes more requests. Internal, so that only a
 * deployment's key may call them.
 */
import type { mastraDocumentsTable } from "@mastra/convex/schema";
import {
  type DataModelFromSchemaDefinition,
  type SchemaDefinition,
  internalMutationGeneric,
  internalQueryGeneric,
  type GenericQueryCtx,
} from "convex/server";
import { type Infer, v } from "convex/values";

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

/** Of `keys`, those `from` one `below` another; without, a table is read in order of creation. */
const someRange = v.object({
  table: v.string(),
  limit: v.number(),
  keys: v.optional(
    v.object({ from: v.string(), below: v.string(), descending: v.optional(v.boolean()) }),
  ),
});

export const ranges = internalQueryGeneric({
  args: { ranges: v.array(someRange) },
  handler: async (ctx: Context, { ranges }) =>
    await Promise.all(
      ranges.map(async (one) => {
        const rows = await select(ctx, one).take(one.limit);
        return rows.map((row) => row.record);
      }),
    ),
});

function select(ctx: Context, { table, keys }: Infer<typeof someRange>) {
  const documents = ctx.db.query("mastra_documents");
  if (keys === undefined) {
    return documents.withIndex("by_table", (range) => range.eq("table", table));
  }
  return documents
    .withIndex("by_table_primary", (range) =>
      range.eq("table", table).gte("primaryKey", keys.from).lt("primaryKey", keys.below),
    )
    .order(keys.descending ? "desc" : "asc");
}

export const load = internalQueryGeneric({
  args: { table: v.string(), keys: v.array(v.string()) },
  handler: async (ctx: Context, { table, keys }) => {
    const rows = await Promise.all(keys.map((key) => find(ctx, table, key)));
    return rows.flatMap((row) => (row === null ? [] : [row.record]));
  },
});

/** The rows are those that the handler's `batchInsert` makes of the same records. */
export const write = internalMutationGeneric({
  args: { tables: v.array(v.object({ table: v.string(), records: v.array(v.any()) })) },
  handler: async (ctx, { tables }) => {
    for (const { table, records } of tables) {
      const latest = new Map<string, unknown>();
      for (const record of records) {
        if (typeof record?.id !== "string" || record.id === "") {
          throw new Error("every record needs an id, a text");
        }
        latest.set(record.id, record);
      }
      const keys = [...latest.keys()];
      const found = await Promise.all(keys.map((key) => find(ctx as Context, table, key)));
      for (const [place, key] of keys.entries()) {
        const record = latest.get(key);
        const existing = found[place];
        if (existing) await ctx.db.patch(existing._id, { record });
        else await ctx.db.insert("mastra_documents", { table, primaryKey: key, record });
      }
    }
    return null;
  },
});

export const remove = internalMutationGeneric({
  args: { tables: v.array(v.object({ table: v.string(), keys: v.array(v.string()) })) },
  handler: async (ctx, { tables }) => {
    for (const { table, keys } of tables) {
      const distinct = [...new Set(keys)];
      const found = await Promise.all(distinct.map((key) => find(ctx as Context, table, key)));
      for (const row of found) if (row !== null) await ctx.db.delete(row._id);
    }
    return null;
  },
});

function find(ctx: Context, table: string, key: string) {
  return ctx.db
    .query("mastra_documents")
    .withIndex("by_table_primary", (range) => range.eq("table", table).eq("primaryKey", key))
    .unique();
}
