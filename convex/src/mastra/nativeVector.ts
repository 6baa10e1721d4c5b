/**
 * `mastra/nativeVector:query`, `:read` and `:write`: Convex's own vector search.
 *
 * They work on tables that a project declares for itself with a vector index of fixed dimension;
 * `schema.ts` declares none.
 */
import {
  mastraNativeVectorAction,
  mastraNativeVectorMutation,
  mastraNativeVectorQuery,
} from "@mastra/convex/server";
import { actionGeneric } from "convex/server";
import { v } from "convex/values";

const { _handler } = mastraNativeVectorAction as unknown as {
  _handler: (ctx: unknown, args: unknown) => Promise<unknown>;
};

/**
 * Mastra's action behind arguments of our own: its own declare a filter field `$or`. Convex has no
 * names that begin with `$`, so that no such filter could ever arrive, and its backend refuses a
 * validator with one (crates/common/src/schemas/json.rs: fields are identifiers).
 */
export const query = actionGeneric({
  args: {
    config: v.object({
      tableName: v.string(),
      vectorIndexName: v.string(),
      dimension: v.optional(v.number()),
      idField: v.optional(v.string()),
      idIndexName: v.optional(v.string()),
      vectorField: v.optional(v.string()),
      metadataField: v.optional(v.string()),
      filterFields: v.optional(v.array(v.string())),
    }),
    vector: v.array(v.number()),
    limit: v.optional(v.number()),
    filter: v.optional(
      v.object({
        field: v.string(),
        value: v.union(v.string(), v.number(), v.boolean(), v.null()),
      }),
    ),
  },
  handler: (ctx, args) => _handler(ctx, args),
});
export const read = mastraNativeVectorQuery;
export const write = mastraNativeVectorMutation;
