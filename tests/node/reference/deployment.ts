/**
 * The deployment that the reference server serves: the modules of `convex/src` and the tests' own
 * vector tables, or those of an older generation, run by `convex-test` with Convex's transaction
 * limits enforced.
 *
 * Called by the routes. Knows functions, values and errors; must not know HTTP.
 */
import { readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { defineSchema, makeFunctionReference } from "convex/server";
import type { GenericSchema, SchemaDefinition } from "convex/server";
import type { Value } from "convex/values";
import { loadMock, makeIndexed, onDatabaseCreated, type MockDatabase } from "./mock.ts";
import { nativeTables } from "./native_tables.ts";
import { searchAsConvex } from "./vector_search.ts";

const FUNCTIONS_FOLDER = fileURLToPath(new URL("../../../convex/src/", import.meta.url));
const GENERATIONS_FOLDER = fileURLToPath(new URL("./generations/", import.meta.url));
const PROBES_FOLDER = fileURLToPath(new URL("./probes/", import.meta.url));

export type FunctionKind = "query" | "mutation" | "action";
export type FunctionArgs = Record<string, Value>;
export type DeployedFunction = { path: string; kind: FunctionKind; isPublic: boolean };

type Exported = { isQuery?: true; isMutation?: true; isAction?: true; isPublic?: true };
type Module = Record<string, Exported | undefined>;
type Schema = SchemaDefinition<GenericSchema, boolean>;
type Mock = Awaited<ReturnType<typeof loadMock>>;

export class Deployment {
  private readonly mock: Mock;
  private readonly schema: Schema;
  private readonly modules: Map<string, Module>;
  private database!: MockDatabase;
  private backend!: ReturnType<Mock["convexTest"]>;
  private queue: Promise<unknown> = Promise.resolve();

  private constructor(mock: Mock, schema: Schema, modules: Map<string, Module>) {
    this.mock = mock;
    this.schema = schema;
    this.modules = modules;
    onDatabaseCreated(mock.prototype, (database) => (this.database = database));
    this.reset();
  }

  /**
   * Load the functions folder, `generations/VERSION` if a *generation* is named. *indexed* speeds
   * the mock's reads up without changing them; *probes* deploys the functions of `probes/` beside
   * it.
   */
  static async load(options: {
    indexed: boolean;
    probes: boolean;
    generation: string | undefined;
  }): Promise<Deployment> {
    const mock = await loadMock();
    if (options.indexed) makeIndexed(mock.prototype);
    searchAsConvex(mock.prototype);
    const { generation } = options;
    const functions = generation ? join(GENERATIONS_FOLDER, generation) : FUNCTIONS_FOLDER;
    const modules = new Map<string, Module>();
    for (const folder of [functions, ...(options.probes ? [PROBES_FOLDER] : [])]) {
      for (const file of modulesIn(folder)) {
        const path = relative(folder, file)
          .split(sep)
          .join("/")
          .replace(/\.[jt]s$/, "");
        modules.set(path, (await import(pathToFileURL(file).href)) as Module);
      }
    }
    const schema = modules.get("schema")?.["default"] as unknown as Schema;
    modules.delete("schema");
    const tables = { ...schema.tables, ...nativeTables };
    return new Deployment(mock, defineSchema(tables), modules);
  }

  /** Start again with an empty database. */
  reset(): void {
    const modules: Record<string, () => Promise<Module>> = {
      // The mock finds the root of the functions folder by this name; nothing imports it.
      "./_generated/api.js": () => Promise.resolve({}),
    };
    for (const [path, module] of this.modules) {
      modules[`./${path}.ts`] = () => Promise.resolve(module);
    }
    this.backend = this.mock.convexTest({ schema: this.schema, modules, transactionLimits: true });
  }

  /** The function deployed at `dir/module:name`, if any. */
  find(path: string): DeployedFunction | undefined {
    const [modulePath = "", name = "default"] = path.split(":");
    const exported = this.modules.get(modulePath)?.[name];
    const isPublic = exported?.isPublic === true;
    if (exported?.isQuery) return { path, kind: "query", isPublic };
    if (exported?.isMutation) return { path, kind: "mutation", isPublic };
    if (exported?.isAction) return { path, kind: "action", isPublic };
    return undefined;
  }

  /** Every deployed function. */
  functions(): DeployedFunction[] {
    const paths = [...this.modules].flatMap(([module, exports]) =>
      Object.keys(exports).map((name) => `${module}:${name}`),
    );
    return paths.map((path) => this.find(path)).filter((deployed) => deployed !== undefined);
  }

  /** The tables of the schema. */
  tables(): string[] {
    return Object.keys(this.schema.tables);
  }

  /** Run a function; calls run one after the other. Throws what the function throws. */
  async call(deployed: DeployedFunction, args: FunctionArgs): Promise<Value> {
    return await this.inTurn(() => {
      const { kind, path } = deployed;
      if (kind === "query") return this.backend.query(makeFunctionReference<"query">(path), args);
      if (kind === "action")
        return this.backend.action(makeFunctionReference<"action">(path), args);
      return this.backend.mutation(makeFunctionReference<"mutation">(path), args);
    });
  }

  /** Every committed row of every table of the schema, in order of creation. */
  async rows(): Promise<Record<string, Value[]>> {
    return await this.inTurn(() => {
      const tables: Record<string, Value[]> = {};
      for (const table of this.tables()) tables[table] = [];
      const documents = Object.values(this.database._documents);
      documents.sort((a, b) => a._creationTime - b._creationTime);
      for (const document of documents) {
        tables[document._id.replace(/^[0-9]+/, "")]?.push(document as unknown as Value);
      }
      return Promise.resolve(tables);
    });
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(async () => {
      try {
        return await work();
      } finally {
        // A handler that answers from a `catch` leaves the rest of its Promise.all behind. Those
        // steps must end in this turn, or they would write into the next call's transaction.
        await new Promise((resolve) => setImmediate(resolve));
        this.database._queryResults = {};
      }
    });
    this.queue = turn.catch(() => undefined);
    return await turn;
  }
}

/** The files that the Convex CLI would deploy: no generated code, no name with two dots. */
function modulesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /^[^.]+\.[jt]s$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !relative(folder, file).startsWith(`_generated${sep}`));
}
