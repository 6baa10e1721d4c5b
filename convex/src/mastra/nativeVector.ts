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

export const query = mastraNativeVectorAction;
export const read = mastraNativeVectorQuery;
export const write = mastraNativeVectorMutation;
