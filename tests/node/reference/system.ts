/**
 * The system functions that tools list a deployment with, for whoever has the key.
 *
 * Called by the routes for paths that begin with `_system/`. Both are queries and know only what
 * the deployment says of itself.
 */
import type { Value } from "convex/values";
import type { Deployment } from "./deployment.ts";

/** Whether *path* names a function of Convex itself. */
export function isSystem(path: string): boolean {
  return path.startsWith("_system/");
}

/** What the system query at the canonical *path* returns; undefined where there is none. */
export function systemValue(deployment: Deployment, path: string): Value | undefined {
  if (path === "_system/cli/tables:default") {
    const page = deployment.tables().map((name) => ({ name }));
    return { page, isDone: true, continueCursor: "end" };
  }
  if (path === "_system/cli/modules:apiSpec") {
    return deployment.functions().map(({ path: deployed, kind, isPublic }) => ({
      identifier: deployed.replace(":", ".js:"),
      functionType: kind.charAt(0).toUpperCase() + kind.slice(1),
      visibility: { kind: isPublic ? "public" : "internal" },
      args: { type: "any" },
      returns: { type: "any" },
    }));
  }
  return undefined;
}
