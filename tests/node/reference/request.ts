/**
 * What a request to the function API carries: its key, its body, the function it names.
 *
 * Called by the routes. Each reader throws the refusal that the backend would answer with; none
 * knows which functions exist.
 */
import type { JSONValue } from "convex/values";
import { HttpError } from "./http_error.ts";

export type Request = {
  method: string;
  path: string;
  headers: Record<string, string | string[] | undefined>;
  /** Undefined where the body was larger than the backend accepts. */
  body: Buffer | undefined;
};
export type Response = { status: number; headers: Record<string, string>; body: string };

export type CallBody = {
  path: string;
  args: JSONValue;
  format: string | undefined;
  component: string;
};
const FUNCTION_PATH = /^[\w-]+(\/[\w-]+)*(\.js)?(:[A-Za-z_$][\w$]*)?$/;

export function headerOf(request: Request, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** The key in the Authorization header; undefined where there is no such header. */
export function tokenOf(request: Request): string | undefined {
  const header = headerOf(request, "authorization");
  if (header === undefined) return undefined;
  if (header.length < 7) {
    throw new HttpError(400, "InvalidHeaderFailure", "Invalid authentication header");
  }
  const [, scheme = "", token = ""] = /^(\S+)\s+(.*)$/.exec(header) ?? [];
  if (scheme.toLowerCase() === "convex") return token;
  if (scheme.toLowerCase() !== "bearer") {
    throw new HttpError(400, "InvalidAdminKey", "Invalid admin key");
  }
  throw new HttpError(401, "NoAuthProvider", "This deployment has no auth provider configured");
}

/** Read the body of a call. Without *needsPath* the URL names the function, and `path` is "". */
export function readCall(request: Request, options: { needsPath: boolean }): CallBody {
  const body = readJsonObject(request);
  const { path, args, format, componentPath } = body;
  if (options.needsPath && typeof path !== "string") throw badBody("missing field `path`");
  if (args === undefined) throw badBody("missing field `args`");
  if (typeof (format ?? "") !== "string") throw badBody("invalid field `format`");
  return {
    path: typeof path === "string" ? path : "",
    // A list is the legacy form: positional arguments, of which there is one.
    args: (Array.isArray(args) && args.length === 1 ? args[0] : args) as JSONValue,
    format: (format ?? undefined) as string | undefined,
    component: typeof componentPath === "string" ? componentPath : "",
  };
}

/** The function named by `/api/run/dir/module/name`, as `dir/module:name`. */
export function pathInUrl(url: string): string {
  const parts = url.slice("/api/run/".length).split("/");
  try {
    if (parts.length >= 2)
      return parts
        .map(decodeURIComponent)
        .join("/")
        .replace(/\/([^/]*)$/, ":$1");
  } catch {
    // A malformed escape names nothing, as too short a path does.
  }
  throw new HttpError(
    400,
    "MissingIdentifier",
    "Path or function name not provided in path, e.g. /api/run/messages/list",
  );
}

/** The canonical form of a function path: no `.js`, and `:default` where no name is given. */
export function readPath(path: string): string {
  if (!FUNCTION_PATH.test(path)) {
    const message = `${path} is not a valid path to a Convex function.`;
    throw new HttpError(400, "BadConvexFunctionIdentifier", message);
  }
  const [module = "", name = "default"] = path.split(":");
  return `${module.replace(/\.js$/, "")}:${name}`;
}

function readJsonObject(request: Request): Record<string, unknown> {
  const [type = ""] = (headerOf(request, "content-type") ?? "").split(";", 1);
  if (!/^application\/(json|[^/]+\+json)$/i.test(type.trim())) {
    throw badBody("Expected request with `Content-Type: application/json`");
  }
  if (request.body === undefined) {
    throw badBody("Failed to buffer the request body: length limit exceeded");
  }
  let body: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(request.body);
    body = JSON.parse(text);
  } catch (error) {
    throw badBody(`Failed to parse the request body as JSON: ${(error as Error).message}`);
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw badBody("Failed to deserialize the JSON body: expected an object");
  }
  return body as Record<string, unknown>;
}

function badBody(message: string): HttpError {
  return new HttpError(400, "BadJsonBody", message);
}
