/**
 * Which documents of a table could match an index read: by table, and by equal leading fields.
 *
 * Used by `mock.ts` only. Knows nothing of Convex beyond the mock's document ids. Its answers are
 * a superset of the matching documents: two values that the mock calls equal always have the same
 * key here, and the mock tests every candidate again.
 */

export type Document = Record<string, unknown> & { _id: string; _creationTime: number };

/** The fields a read compares for equality, and with what (as plain JSON scalars). */
export type EqualityRange = { fields: string[]; values: unknown[] };

type Documents = Map<string, Document>;
type Lookup = { fields: string[]; byKey: Map<string, Documents> };

export class CandidateIndex {
  private readonly tables = new Map<string, Documents>();
  private readonly lookups = new Map<string, Map<string, Lookup>>();

  /** Take over one committed write: *old* became *current* (undefined: absent). */
  replace(id: string, old: Document | undefined, current: Document | undefined): void {
    const table = tableOf(id);
    const documents = this.documentsOf(table);
    // Map.set keeps the place of a known id, as the mock's own object does.
    if (current === undefined) documents.delete(id);
    else documents.set(id, current);
    for (const lookup of this.lookups.get(table)?.values() ?? []) {
      if (old !== undefined) lookup.byKey.get(keyOf(old, lookup.fields))?.delete(id);
      if (current !== undefined) addTo(lookup, id, current);
    }
  }

  /** Committed documents and uncommitted writes of *table* that could match *range*. */
  *candidates(
    table: string,
    range: EqualityRange | undefined,
    writes: Record<string, Document | null>[],
  ): Generator<Document> {
    const { fields, values } = range ?? { fields: [], values: [] };
    const wanted = values.map(keyOfValue).join("\u0000");
    const written = writtenIn(table, writes);
    const committed =
      fields.length === 0 ? this.documentsOf(table) : this.find(table, fields, wanted);
    for (const [id, document] of committed ?? []) {
      const current = written.size > 0 && written.has(id) ? written.get(id) : document;
      written.delete(id);
      if (current) yield current;
    }
    for (const document of written.values()) {
      if (document !== null && (fields.length === 0 || keyOf(document, fields) === wanted)) {
        yield document;
      }
    }
  }

  private documentsOf(table: string): Documents {
    let documents = this.tables.get(table);
    if (documents === undefined) this.tables.set(table, (documents = new Map()));
    return documents;
  }

  private find(table: string, fields: string[], wanted: string): Documents | undefined {
    let lookups = this.lookups.get(table);
    if (lookups === undefined) this.lookups.set(table, (lookups = new Map()));
    const name = fields.join(",");
    let lookup = lookups.get(name);
    if (lookup === undefined) {
      lookups.set(name, (lookup = { fields, byKey: new Map() }));
      for (const [id, document] of this.documentsOf(table)) addTo(lookup, id, document);
    }
    return lookup.byKey.get(wanted);
  }
}

function addTo(lookup: Lookup, id: string, document: Document): void {
  const key = keyOf(document, lookup.fields);
  let documents = lookup.byKey.get(key);
  if (documents === undefined) lookup.byKey.set(key, (documents = new Map()));
  documents.set(id, document);
}

/** The newest uncommitted state of every written document of *table*; null where deleted. */
function writtenIn(
  table: string,
  writes: Record<string, Document | null>[],
): Map<string, Document | null> {
  const written = new Map<string, Document | null>();
  for (const level of writes) {
    for (const id in level) {
      if (tableOf(id) === table) written.set(id, level[id] as Document | null);
    }
  }
  return written;
}

/** The mock's ids are a zero-padded counter followed by the table's name. */
function tableOf(id: string): string {
  let end = 0;
  for (let code = id.charCodeAt(end); code >= 48 && code <= 57; code = id.charCodeAt(end)) end += 1;
  return id.slice(end);
}

function keyOf(document: Document, fields: string[]): string {
  if (fields.length === 1) return keyOfValue(document[fields[0] as string]);
  return fields.map((field) => keyOfValue(document[field])).join("\u0000");
}

/** Equal values have equal keys; values that are no JSON scalar share one key per type. */
function keyOfValue(value: unknown): string {
  if (typeof value === "string") return `s${value}`;
  if (value === null || typeof value === "number" || typeof value === "boolean") {
    return `${typeof value}${String(value)}`;
  }
  return typeof value;
}
