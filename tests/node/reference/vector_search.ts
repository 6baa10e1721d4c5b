/**
 * The mock's vector search, with what Convex does and the mock leaves out.
 *
 * The mock scores by cosine and tests filters as Convex does, but knows no dimension: it scores
 * vectors of any length, and takes queries of any length. It also has no default limit, and leaves
 * equal scores in any order. Rules: get-convex/convex-backend crates/vector/src.
 */
import type { MockDatabase } from "./mock.ts";

type Hit = { _id: string; _score: number };
type VectorIndex = { indexDescriptor: string; vectorField: string; dimensions: number };
type Searchable = MockDatabase & {
  _schema: { tables: Map<string, { vectorIndexes: VectorIndex[] }> };
  vectorSearch(
    tableAndIndexName: string,
    vector: number[],
    expressions: unknown[],
    limit: number | undefined,
  ): Hit[];
};

const DEFAULT_LIMIT = 10;

/** Make the mock's vector search keep to the dimension of the index, the default and the order. */
export function searchAsConvex(prototype: MockDatabase): void {
  const searchable = prototype as Searchable;
  const vectorSearch = searchable.vectorSearch;
  searchable.vectorSearch = function (tableAndIndexName, vector, expressions, limit): Hit[] {
    const hits = vectorSearch.call(this, tableAndIndexName, vector, expressions, Infinity);
    const { vectorField, dimensions } = indexNamed(this, tableAndIndexName);
    if (vector.length !== dimensions) {
      throw new Error(
        `Expected a vector with dimensions ${dimensions}, received ${vector.length}.`,
      );
    }
    return hits
      .filter(({ _id }) => (this._documents[_id]?.[vectorField] as number[]).length === dimensions)
      .sort((a, b) => b._score - a._score || (a._id < b._id ? 1 : -1))
      .slice(0, limit ?? DEFAULT_LIMIT);
  };
}

/** The index of that name; the mock's own search has refused what is not declared. */
function indexNamed(database: Searchable, tableAndIndexName: string): VectorIndex {
  const [table = "", name] = tableAndIndexName.split(".");
  const indexes = database._schema.tables.get(table)?.vectorIndexes ?? [];
  return indexes.find(({ indexDescriptor }) => indexDescriptor === name) as VectorIndex;
}
