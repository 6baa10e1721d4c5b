/**
 * Tables with a vector index of their own, for tests: what a project would add to its schema.
 *
 * Merged into the schema of `convex/src` when the reference deployment is loaded; never deployed
 * anywhere else. `tests/native.py` has the same tables as Python's clients see them.
 */
import { defineMastraNativeVectorTable } from "@mastra/convex/schema";
import { defineTable } from "convex/server";
import { v } from "convex/values";

export const nativeTables = {
  // The helper's table: no filter fields.
  native_plain: defineMastraNativeVectorTable({ dimensions: 3 }),
  // Declared field by field: other names, and two filter fields.
  native_docs: defineTable({
    key: v.string(),
    vector: v.array(v.float64()),
    about: v.optional(v.any()),
    tag: v.optional(v.any()),
    page: v.optional(v.any()),
  })
    .index("by_key", ["key"])
    .vectorIndex("by_vector", {
      vectorField: "vector",
      dimensions: 2,
      filterFields: ["tag", "page"],
    }),
  // What an index of llama-index's nodes would declare.
  native_nodes: defineTable({
    id: v.string(),
    embedding: v.array(v.float64()),
    metadata: v.optional(v.any()),
    ref_doc_id: v.optional(v.any()),
    tag: v.optional(v.any()),
    page: v.optional(v.any()),
  })
    .index("by_record_id", ["id"])
    .vectorIndex("by_embedding", {
      vectorField: "embedding",
      dimensions: 3,
      filterFields: ["ref_doc_id", "tag", "page"],
    }),
};
