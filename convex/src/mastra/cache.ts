/** `mastra/cache:handle`, the mutation behind Mastra's server cache. */
import { mastraCache } from "@mastra/convex/server";

export const handle = mastraCache;
