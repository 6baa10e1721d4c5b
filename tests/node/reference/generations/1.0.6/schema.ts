/**
 * The tables of a project that deployed `@mastra/convex` 1.0.6, from that package's own exports.
 *
 * It had no schedules, channels, background tasks, observational memory or cache.
 */
import {
  mastraDocumentsTable,
  mastraMessagesTable,
  mastraResourcesTable,
  mastraScoresTable,
  mastraThreadsTable,
  mastraVectorIndexesTable,
  mastraVectorsTable,
  mastraWorkflowSnapshotsTable,
} from "@mastra/convex-1.0.6/schema";
import { defineSchema } from "convex/server";

export default defineSchema({
  mastra_threads: mastraThreadsTable,
  mastra_messages: mastraMessagesTable,
  mastra_resources: mastraResourcesTable,
  mastra_workflow_snapshots: mastraWorkflowSnapshotsTable,
  mastra_scorers: mastraScoresTable,
  mastra_vector_indexes: mastraVectorIndexesTable,
  mastra_vectors: mastraVectorsTable,
  mastra_documents: mastraDocumentsTable,
});
