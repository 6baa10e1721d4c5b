/** `mastra/storage:handle`, the one mutation through which both languages read and write rows. */
import { mastraStorage } from "@mastra/convex/server";

export const handle = mastraStorage;
