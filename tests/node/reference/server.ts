/**
 * A Convex deployment for tests: the functions of `convex/src` behind Convex's HTTP API.
 *
 *     node server.ts --admin-key KEY [--port 0] [--generation VERSION] [--plain] [--probes]
 *
 * Prints one JSON line, `{"url": "http://127.0.0.1:PORT"}`, when it listens. Ends on SIGTERM, on
 * SIGINT, and when its standard input closes, so that it never outlives the test run that started
 * it. `--generation` deploys the handler and schema of an older `@mastra/convex` from `generations/`
 * instead; `--plain` leaves out the lookup that makes the mock fast (see `mock.ts`); `--probes`
 * deploys the functions of `probes/` too. Two routes are its own and need the key: POST /__reset
 * empties the database, POST /__rows returns every row.
 */
import { Console } from "node:console";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { Deployment } from "./deployment.ts";
import { Routes } from "./routes.ts";

// Standard output carries the address and nothing else, whatever a function or the mock prints.
globalThis.console = new Console({ stdout: process.stderr, stderr: process.stderr });

// 16 MiB of arguments and 2,000 bytes around them: the backend's MAX_BACKEND_PUBLIC_API_REQUEST_SIZE.
const MAX_REQUEST_BYTES = 16 * 1024 * 1024 + 2_000;

const { values: options } = parseArgs({
  options: {
    "admin-key": { type: "string" },
    port: { type: "string", default: "0" },
    generation: { type: "string" },
    plain: { type: "boolean", default: false },
    probes: { type: "boolean", default: false },
  },
});
const adminKey = options["admin-key"];
if (!adminKey) {
  process.stderr.write("server.ts: --admin-key is missing\n");
  process.exit(2);
}

const deployment = await Deployment.load({
  indexed: !options.plain,
  probes: options.probes,
  generation: options.generation,
});
const routes = new Routes(deployment, { adminKey, version: "reference" });
const server = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => {
    console.error(error);
    const body = { code: "InternalServerError", message: String(error) };
    send(response, 500, {}, JSON.stringify(body));
  });
});
// A client's pool decides how long a connection lives, as it does with a deployment's proxy.
server.keepAliveTimeout = 0;
server.requestTimeout = 0;
server.listen(Number(options.port), "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`);
});

for (const event of ["SIGTERM", "SIGINT"] as const) process.once(event, stop);
process.stdin.once("close", stop).resume();

function stop(): void {
  server.close();
  server.closeAllConnections();
  process.exit(0);
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request);
  const [path = "/"] = (request.url ?? "/").split("?", 1);
  const { method = "GET", headers } = request;
  const answer = await routes.answer({ method, path, headers, body });
  send(response, answer.status, answer.headers, answer.body);
}

/** The whole body, or undefined where it is too large. It is read to its end in both cases. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_REQUEST_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size > MAX_REQUEST_BYTES ? undefined : Buffer.concat(chunks, size);
}

function send(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body: string,
): void {
  const bytes = Buffer.from(body, "utf8");
  response.writeHead(status, {
    "Content-Type": "application/json",
    ...headers,
    "Content-Length": bytes.length,
  });
  response.end(bytes);
}
