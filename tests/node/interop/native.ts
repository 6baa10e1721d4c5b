/**
 * Writes and searches schema-declared vector indexes as a Mastra application does: npm's
 * `ConvexNativeVector`.
 *
 * Input: `{url, key, indexes, steps}`; *indexes* is the client's own configuration, a step is one
 * call of a method with its arguments. Answers with what each call returned, or its error's text.
 */
import { ConvexNativeVector } from "@mastra/convex";
import type { ConvexNativeVectorIndexConfig } from "@mastra/convex";
import { script } from "./script.ts";

type Method = "upsert" | "query" | "updateVector" | "deleteVectors" | "describeIndex";
type Request = {
  url: string;
  key: string;
  indexes: Record<string, ConvexNativeVectorIndexConfig>;
  steps: { method: Method; args: Record<string, unknown> }[];
};

async function run({ url, key, indexes, steps }: Request): Promise<unknown> {
  const vectors = new ConvexNativeVector({
    id: "interop-native",
    deploymentUrl: url,
    adminAuthToken: key,
    indexes,
  });
  const methods = vectors as unknown as Record<Method, (args: unknown) => Promise<unknown>>;
  const answers: unknown[] = [];
  for (const { method, args } of steps) {
    answers.push(
      await methods[method](args).then(
        (value) => value ?? null,
        (error: unknown) => ({ error: String(error) }),
      ),
    );
  }
  return answers;
}

await script(run);
