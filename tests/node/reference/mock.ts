/**
 * Convex's own mock of its backend, with a door to its database.
 *
 * `convex-test` keeps every document of every table in one object and scans all of it for each
 * read of an index, so a batch of 500 into a table of 10,000 rows looks at some 5 million
 * documents. `makeIndexed` gives the mock a lookup of documents by table and by the fields a read
 * compares for equality. It only leaves out documents that cannot match: the mock's own code still
 * tests every candidate, sorts, limits, counts and commits. A test runs the same operations with
 * and without it and compares every reply and row.
 *
 * The mock does not export its database class. A module hook adds that one export when the
 * package is loaded; not a character of its code is changed.
 */
import { registerHooks } from "node:module";
import type { convexTest as ConvexTest } from "convex-test";
import { CandidateIndex, type Document, type EqualityRange } from "./candidates.ts";

type Query = { source: Source };
type Source = { type: string; indexName?: string; range?: RangeTerm[] };
type RangeTerm = { type: string; fieldPath: string; value: unknown };

/** The parts of the mock's private database class that are used here. */
export interface MockDatabase {
  _documents: Record<string, Document>;
  _writes: Record<string, Document | null>[];
  _queryResults: Record<number, Document[]>;
  validateSchema(): void;
  commit(commitTs: bigint | null): void;
  _iterateDocs(table: string, visit: (document: Document) => void): void;
  _resolveQuerySource(query: Query): unknown;
}

interface Mock {
  convexTest: typeof ConvexTest;
  prototype: MockDatabase;
}

/** Load `convex-test` with its database class exported. */
export async function loadMock(): Promise<Mock> {
  const hook = registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith("/convex-test/dist/index.js")) return loaded;
      const source = loaded.source ?? "";
      const code = typeof source === "string" ? source : new TextDecoder().decode(source);
      return { ...loaded, source: `${code}\nexport { DatabaseFake };\n` };
    },
  });
  const module = (await import("convex-test")) as unknown as {
    convexTest: typeof ConvexTest;
    DatabaseFake: { prototype: MockDatabase };
  };
  hook.deregister();
  return { convexTest: module.convexTest, prototype: module.DatabaseFake.prototype };
}

/** Call *created* with each database the mock makes from now on. */
export function onDatabaseCreated(
  prototype: MockDatabase,
  created: (database: MockDatabase) => void,
): void {
  // The constructor ends with this call, and nothing else makes it.
  const validateSchema = prototype.validateSchema;
  prototype.validateSchema = function (this: MockDatabase): void {
    validateSchema.call(this);
    created(this);
  };
}

/** Make reads of an index look only at documents that could match. */
export function makeIndexed(prototype: MockDatabase): void {
  const indexes = new WeakMap<MockDatabase, CandidateIndex>();
  const ranges = new WeakMap<MockDatabase, EqualityRange>();
  const indexOf = (database: MockDatabase): CandidateIndex => {
    let index = indexes.get(database);
    if (index === undefined) indexes.set(database, (index = new CandidateIndex()));
    return index;
  };

  const commit = prototype.commit;
  prototype.commit = function (commitTs): void {
    const outermost = this._writes.length === 1 ? this._writes[0] : undefined;
    const before = Object.keys(outermost ?? {}).map((id) => [id, this._documents[id]] as const);
    commit.call(this, commitTs);
    for (const [id, old] of before) indexOf(this).replace(id, old, this._documents[id]);
  };

  const resolveQuerySource = prototype._resolveQuerySource;
  prototype._resolveQuerySource = function (query): unknown {
    ranges.set(this, equalityRange(query.source));
    try {
      return resolveQuerySource.call(this, query);
    } finally {
      ranges.delete(this);
    }
  };

  prototype._iterateDocs = function (table, visit): void {
    for (const document of indexOf(this).candidates(table, ranges.get(this), this._writes)) {
      visit(document);
    }
  };
}

/** The leading equality terms of an index range, or none where a value has no plain JSON form. */
function equalityRange(source: Source): EqualityRange {
  const range: EqualityRange = { fields: [], values: [] };
  if (source.type !== "IndexRange") return range;
  for (const term of source.range ?? []) {
    const isObject = typeof term.value === "object" && term.value !== null;
    if (term.type !== "Eq" || isObject || term.fieldPath.includes(".")) break;
    range.fields.push(term.fieldPath);
    range.values.push(term.value);
  }
  return range;
}
