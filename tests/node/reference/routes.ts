/**
 * The routes of Convex's HTTP API that call functions, and who may use them.
 *
 * Called by `server.ts` with one complete request at a time; returns the answer as text. The order
 * of the checks is the backend's: client version, form of the Authorization header, body, key,
 * function path, then the call itself.
 */
import { randomBytes } from "node:crypto";
import { answerCall, type Call, type Failure } from "./calls.ts";
import { readClient, type Client } from "./client_version.ts";
import type { DeployedFunction, Deployment, FunctionKind } from "./deployment.ts";
import { HttpError } from "./http_error.ts";
import { headerOf, pathInUrl, readCall, readPath, tokenOf } from "./request.ts";
import type { CallBody, Request, Response } from "./request.ts";
import { isSystem, systemValue } from "./system.ts";
import { writeValue } from "./values.ts";

type Route = (request: Request, client: Client) => Promise<Response> | Response;

const PLAIN_TEXT = { "Content-Type": "text/plain; charset=utf-8" };
const RUN_PREFIX = "/api/run/";

export class Routes {
  private readonly deployment: Deployment;
  private readonly adminKey: string;
  private readonly routes: Record<string, { method: string; answer: Route }>;

  constructor(deployment: Deployment, options: { adminKey: string; version: string }) {
    this.deployment = deployment;
    this.adminKey = options.adminKey;
    const ofKind =
      (kind: FunctionKind): Route =>
      (request, client) =>
        this.callOfKind(kind, request, client);
    this.routes = {
      "/version": { method: "GET", answer: () => text(options.version) },
      "/api/check_admin_key": { method: "GET", answer: (request) => this.checkKey(request) },
      "/api/query": { method: "POST", answer: ofKind("query") },
      "/api/mutation": { method: "POST", answer: ofKind("mutation") },
      "/api/action": { method: "POST", answer: ofKind("action") },
      "/api/function": { method: "POST", answer: (...given) => this.callOfAnyKind(...given) },
      [RUN_PREFIX]: { method: "POST", answer: (...given) => this.callNamedByUrl(...given) },
      "/__reset": { method: "POST", answer: (request) => this.reset(request) },
      "/__rows": { method: "POST", answer: (request) => this.rows(request) },
    };
  }

  /** Answer *request*. Never throws for anything a client can send. */
  async answer(request: Request): Promise<Response> {
    try {
      const client = readClient(headerOf(request, "convex-client"));
      const { deprecation } = client;
      const headers: Record<string, string> = {};
      if (deprecation !== undefined) {
        headers["x-convex-deprecation-state"] = deprecation.state;
        headers["x-convex-deprecation-message"] = deprecation.message;
      }
      if (deprecation?.state === "Unsupported") {
        throw new HttpError(400, "ClientVersionUnsupported", deprecation.message, headers);
      }
      const response = await this.route(request, client);
      return { ...response, headers: { ...headers, ...response.headers } };
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      return { status: error.status, headers: error.headers, body: error.body() };
    }
  }

  private async route(request: Request, client: Client): Promise<Response> {
    const path = request.path.startsWith(RUN_PREFIX) ? RUN_PREFIX : request.path;
    const route = Object.hasOwn(this.routes, path) ? this.routes[path] : undefined;
    if (route === undefined) return empty(404);
    return request.method === route.method ? await route.answer(request, client) : empty(405);
  }

  private async callOfKind(kind: FunctionKind, request: Request, client: Client) {
    const token = tokenOf(request);
    const body = readCall(request, { needsPath: true });
    const isAdmin = this.isAdmin(token);
    const path = readPath(body.path);
    if (isSystem(path)) {
      const target = this.system(kind, path, isAdmin);
      return await this.call(target, body, request, client.defaultFormat);
    }
    const deployed = this.find(path, isAdmin);
    let target: Call["target"] = deployed ?? {
      failure: `Could not find public function for '${path}'.`,
    };
    if (deployed !== undefined && deployed.kind !== kind) {
      const module = path.replace(":", ".js:");
      const kinds = `as ${titleOf(kind)}, but it is defined as ${titleOf(deployed.kind)}`;
      target = { failure: `Trying to execute ${module} ${kinds}.` };
    }
    return await this.call(target, body, request, client.defaultFormat);
  }

  private async callOfAnyKind(request: Request, client: Client): Promise<Response> {
    const token = tokenOf(request);
    const body = readCall(request, { needsPath: true });
    this.requireAdmin(token);
    const path = readPath(body.path);
    // This deployment has no components, so a function of one is never there.
    const deployed = body.component === "" ? this.find(path, true) : undefined;
    const place = body.component === "" ? "" : ` in component '${body.component}'`;
    return await this.call(deployed ?? missing(path, place), body, request, client.defaultFormat);
  }

  private async callNamedByUrl(request: Request, _client: Client): Promise<Response> {
    const token = tokenOf(request);
    const body = readCall(request, { needsPath: false });
    const isAdmin = this.isAdmin(token);
    const path = readPath(pathInUrl(request.path));
    return await this.call(this.find(path, isAdmin) ?? missing(path, ""), body, request, "json");
  }

  private async call(
    target: Call["target"],
    { args, format }: CallBody,
    request: Request,
    defaultFormat: Call["defaultFormat"],
  ): Promise<Response> {
    const requestId = headerOf(request, "convex-request-id") ?? randomBytes(8).toString("hex");
    const call = { target, args, format, defaultFormat, requestId };
    return json(await answerCall(this.deployment, call));
  }

  private system(kind: FunctionKind, path: string, isAdmin: boolean): Call["target"] {
    if (!isAdmin) return { failure: `Operation ${kind} not permitted` };
    const value = systemValue(this.deployment, path);
    if (value !== undefined) return { value };
    return { failure: `Could not find public function for '${path}'.` };
  }

  private find(path: string, isAdmin: boolean): DeployedFunction | undefined {
    const deployed = this.deployment.find(path);
    return deployed?.isPublic || isAdmin ? deployed : undefined;
  }

  /** Whether the key is there. A wrong one is refused, also where none is needed. */
  private isAdmin(token: string | undefined): boolean {
    if (token !== undefined && token !== this.adminKey) {
      const message = "The provided admin key was invalid for this instance";
      throw new HttpError(401, "BadAdminKey", message);
    }
    return token !== undefined;
  }

  private requireAdmin(token: string | undefined): void {
    if (this.isAdmin(token)) return;
    throw new HttpError(
      403,
      "BadDeployKey",
      "The provided deploy key was invalid for this deployment. Double check that the environment " +
        "this key was generated for matches the desired deployment.",
    );
  }

  private checkKey(request: Request): Response {
    this.requireAdmin(tokenOf(request));
    const allowedOps = ["Deploy", "ViewData", "WriteData"];
    return json(JSON.stringify({ success: true, allowedOps, isReadOnly: false }));
  }

  private reset(request: Request): Response {
    this.requireAdmin(tokenOf(request));
    this.deployment.reset();
    return json("null");
  }

  private async rows(request: Request): Promise<Response> {
    this.requireAdmin(tokenOf(request));
    return json(writeValue(await this.deployment.rows(), "convex_encoded_json"));
  }
}

function missing(path: string, place: string): Failure {
  const hint = "Did you forget to run `npx convex dev`?";
  return { failure: `Could not find function for '${path}'${place}. ${hint}` };
}

function titleOf(kind: FunctionKind): string {
  return kind.charAt(0).toUpperCase() + kind.slice(1);
}

function json(body: string): Response {
  return { status: 200, headers: {}, body };
}

function text(body: string): Response {
  return { status: 200, headers: PLAIN_TEXT, body };
}

function empty(status: number): Response {
  return { status, headers: PLAIN_TEXT, body: "" };
}
