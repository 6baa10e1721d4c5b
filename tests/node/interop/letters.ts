/** An embedding of texts without a model, the same everywhere. */
import type { MastraEmbeddingModel } from "@mastra/core/vector";

const DIMENSION = 8;

/** Says of a text how often each class of letters occurs in it. */
export const embedder = {
  specificationVersion: "v2",
  provider: "tour",
  modelId: "letters",
  maxEmbeddingsPerCall: 100,
  supportsParallelCalls: true,
  doEmbed: ({ values }: { values: string[] }) =>
    Promise.resolve({ embeddings: values.map(embedded), usage: { tokens: 0 } }),
} as unknown as MastraEmbeddingModel<string>;

function embedded(text: string): number[] {
  const counts = new Array<number>(DIMENSION).fill(0.01);
  for (const letter of text.toLowerCase()) {
    const place = (letter.codePointAt(0) ?? 0) % DIMENSION;
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return counts;
}
