/**
 * `convex_mastra/messages:recent`: the newest messages of a thread.
 *
 * Mastra's handler reads a whole thread to return its last ten messages; this reads ten. Optional:
 * without it the Python client asks the handler. Internal, so that only a deployment's key may
 * call it.
 */
import type { mastraMessagesTable } from "@mastra/convex/schema";
import {
  type DataModelFromSchemaDefinition,
  type SchemaDefinition,
  internalQueryGeneric,
  type GenericQueryCtx,
} from "convex/server";
import { v } from "convex/values";

type Schema = SchemaDefinition<{ mastra_messages: typeof mastraMessagesTable }, true>;
type Context = GenericQueryCtx<DataModelFromSchemaDefinition<Schema>>;

export const recent = internalQueryGeneric({
  args: {
    threadId: v.string(),
    resourceId: v.optional(v.string()),
    limit: v.number(),
    offset: v.number(),
  },
  handler: async (ctx: Context, { threadId, resourceId, limit, offset }) => {
    const newestFirst = ctx.db
      .query("mastra_messages")
      .withIndex("by_thread_created", (range) => range.eq("thread_id", threadId))
      .order("desc");
    const wanted =
      resourceId === undefined
        ? newestFirst
        : newestFirst.filter((row) => row.eq(row.field("resourceId"), resourceId));
    return { messages: (await wanted.take(offset + limit)).slice(offset) };
  },
});
