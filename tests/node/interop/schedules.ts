/**
 * Schedules and channels as a Mastra application keeps them: npm's `ConvexStore`.
 *
 * Input: `{url, key, calls: [{domain, method, args}]}`; the calls are made one after the other.
 * Output: `{results}`, one for each, `{error: message}` in the place of one that threw. JSON has no
 * dates: `{$date: iso}` in an argument is one, and in results they are ISO strings.
 */
import { ConvexStore } from "@mastra/convex";
import { script } from "./script.ts";

type Call = { domain: "schedules" | "channels"; method: string; args: unknown[] };
type Request = { url: string; key: string; calls: Call[] };
type Domain = Record<string, (...args: unknown[]) => Promise<unknown>>;

await script<Request>(async ({ url, key, calls }) => {
  const store = new ConvexStore({ id: "interop", deploymentUrl: url, adminAuthToken: key });
  const domains = {
    schedules: await store.getStore("schedules"),
    channels: await store.getStore("channels"),
  };
  const results: unknown[] = [];
  for (const { domain, method, args } of calls) {
    const target = domains[domain] as unknown as Domain;
    if (typeof target[method] !== "function") throw new Error(`${domain} has no ${method}`);
    try {
      results.push((await target[method](...args.map(withDates))) ?? null);
    } catch (error) {
      results.push({ error: error instanceof Error ? error.message : String(error) });
    }
  }
  return { results };
});

function withDates(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("$date" in value) return new Date(String(value.$date));
  if (Array.isArray(value)) return value.map(withDates);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withDates(item)]));
}
