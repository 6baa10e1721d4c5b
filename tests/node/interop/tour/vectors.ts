/** npm's `ConvexVector`, `ConvexNativeVector` and `ConvexServerCache`. */
import { ConvexNativeVector, ConvexServerCache, ConvexVector } from "@mastra/convex";
import { type Place, Steps } from "./steps.ts";

const VECTORS = [
  [1, 0, 0],
  [0, 1, 0],
  [0.6, 0.8, 0],
];
const METADATA = VECTORS.map((_, n) => ({ text: `téxt ${n}`, n, kind: n % 2 ? "odd" : "even" }));

type Filter = NonNullable<Parameters<ConvexVector["query"]>[0]["filter"]>;
/** Of `ConvexVector`'s grammar, which is wider than the type that all stores share. */
const FILTER = {
  $or: [{ kind: "odd" }, { n: { $gt: 1 } }],
} as unknown as Filter;

export async function tourVectors(place: Place): Promise<Steps> {
  const steps = new Steps();
  const store = new ConvexVector({ id: "tour", ...place });
  const indexName = "tour_docs";
  const query = { indexName, queryVector: [1, 0.1, 0], topK: 2 };
  await steps.take("create", () => store.createIndex({ indexName, dimension: 3 }));
  await steps.take("upsert", () =>
    store.upsert({ indexName, vectors: VECTORS, ids: ["a", "b", "c"], metadata: METADATA }),
  );
  await steps.take("query", () => store.query({ ...query, includeVector: true }));
  await steps.take("query with a filter", () => store.query({ ...query, filter: FILTER }));
  await steps.take("update", () =>
    store.updateVector({ indexName, id: "a", update: { metadata: { more: true } } }),
  );
  await steps.take("delete", () => store.deleteVector({ indexName, id: "b" }));
  await steps.take("describe", () => store.describeIndex({ indexName }));
  await steps.take("describe none", () => store.describeIndex({ indexName: "tour_none" }));
  await steps.take("query what is left", () => store.query({ ...query, topK: 10 }));
  return steps;
}

export type NativeIndexes = ConstructorParameters<typeof ConvexNativeVector>[0]["indexes"];

/** A tour of the first of the declared indexes: two dimensions, filtered on `tag`. */
export async function tourNativeVectors(place: Place, indexes: NativeIndexes): Promise<Steps> {
  const steps = new Steps();
  const store = new ConvexNativeVector({ id: "tour", ...place, indexes });
  const [indexName = ""] = Object.keys(indexes);
  const ids = ["tour-a", "tour-b", "tour-c"];
  const query = { indexName, queryVector: [1, 0.1], topK: 3 };
  const vectors = VECTORS.map((vector) => vector.slice(0, 2));
  const metadata = METADATA.map(({ kind, ...rest }) => ({ tag: kind, ...rest }));
  // Convex's scores are float32's; what is compared is what a float32 holds.
  const rounded = async (found: Promise<{ score: number }[]>) =>
    (await found).map((match) => ({ ...match, score: Number(match.score.toFixed(5)) }));
  await steps.take("create", () => store.createIndex({ indexName, dimension: 2 }));
  await steps.take("create another size", () => store.createIndex({ indexName, dimension: 4 }));
  await steps.take("upsert", () => store.upsert({ indexName, vectors, ids, metadata }));
  await steps.take("query", () => rounded(store.query({ ...query, includeVector: true })));
  await steps.take("query with a filter", () =>
    rounded(store.query({ ...query, filter: { tag: "odd" } })),
  );
  await steps.take("query with a filter of another field", () =>
    store.query({ ...query, filter: { n: 1 } }),
  );
  await steps.take("update", () =>
    store.updateVector({ indexName, id: "tour-a", update: { metadata: { tag: "odd" } } }),
  );
  await steps.take("delete", () => store.deleteVectors({ indexName, ids: ["tour-b"] }));
  await steps.take("query with alternatives", () =>
    store.query({ ...query, filter: { $or: [{ tag: "odd" }, { tag: "even" }] } }),
  );
  await steps.take("query what is left", () => rounded(store.query(query)));
  await steps.take("delete the index", () => store.deleteIndex({ indexName }));
  return steps;
}

export async function tourCache(place: Place): Promise<Steps> {
  const steps = new Steps();
  const cache = new ConvexServerCache({ ...place, keyPrefix: "tour:" });
  await steps.take("set", () => cache.set("value", { z: 1, a: [null, "é"] }));
  await steps.take("get", () => cache.get("value"));
  await steps.take("get none", () => cache.get("none"));
  await steps.take("set for a moment", () => cache.set("short", 1, 1));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await steps.take("get it late", () => cache.get("short"));
  for (const n of [1, 2, 3]) await steps.take("push", () => cache.listPush("list", { n }));
  await steps.take("length", () => cache.listLength("list"));
  await steps.take("a part of it", () => cache.listFromTo("list", 1));
  await steps.take("the end of it", () => cache.listFromTo("list", -2, -1));
  await steps.take("count", () => cache.increment("counter"));
  await steps.take("count", () => cache.increment("counter"));
  await steps.take("count what is no counter", () => cache.increment("list"));
  await steps.take("delete", () => cache.delete("list"));
  await steps.take("length of none", () => cache.listLength("list"));
  return steps;
}
