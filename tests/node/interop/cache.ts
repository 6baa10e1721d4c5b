/**
 * Runs operations of npm's `ConvexServerCache`, one after the other.
 *
 * Input: `{url, key, keyPrefix?, ttlMs?, calls: [[method, …arguments], …]}`. Output: what each
 * call returned, in order; nothing is null, and an error is `{"error": message}`.
 */
import { ConvexServerCache } from "@mastra/convex";
import { script } from "./script.ts";

type Request = {
  url: string;
  key: string;
  keyPrefix?: string;
  ttlMs?: number;
  calls: [keyof ConvexServerCache, ...unknown[]][];
};

await script<Request>(async ({ url, key, calls, ...options }) => {
  const cache = new ConvexServerCache({ deploymentUrl: url, adminAuthToken: key, ...options });
  const results: unknown[] = [];
  for (const [method, ...args] of calls) {
    const call = cache[method] as (...args: unknown[]) => Promise<unknown>;
    try {
      results.push((await call.apply(cache, args)) ?? null);
    } catch (error) {
      results.push({ error: error instanceof Error ? error.message : String(error) });
    }
  }
  return results;
});
