/** `mastra/storage:handle` as it was in `@mastra/convex` 1.0.6. */
import { mastraStorage } from "@mastra/convex-1.0.6/server";

export const handle = mastraStorage;
