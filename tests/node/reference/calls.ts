/**
 * One function call: what is run, and the envelope that its outcome is answered in.
 *
 * Called by the routes. A function that fails is a successful HTTP response whose envelope says
 * `error`; only an unknown output format is refused, after the function has run, as the backend
 * does it.
 */
import type { JSONValue, Value } from "convex/values";
import type { DeployedFunction, Deployment, FunctionArgs } from "./deployment.ts";
import { HttpError } from "./http_error.ts";
import { formatNamed, readArgs, writeValue, type Format } from "./values.ts";

export type Call = {
  /** The function to run, why there is none, or the value of a system function. */
  target: DeployedFunction | Outcome;
  args: JSONValue;
  /** As the client names it; absent, *defaultFormat* is used. */
  format: string | undefined;
  defaultFormat: Format;
  requestId: string;
};
export type Failure = { failure: string; data?: Value };
type Outcome = { value: Value } | Failure;

/** Run *call* and return the envelope as JSON text. */
export async function answerCall(deployment: Deployment, call: Call): Promise<string> {
  const { target } = call;
  const outcome = "path" in target ? await run(deployment, target, call.args) : target;
  const format = call.format === undefined ? call.defaultFormat : formatNamed(call.format);
  if (format === undefined) {
    const message = `format param must be one of [\`json\`]. Got ${String(call.format)}`;
    throw new HttpError(400, "BadFormat", message);
  }
  if ("value" in outcome) {
    return `{"status":"success","value":${writeValue(outcome.value, format)}}`;
  }
  const message = `[Request ID: ${call.requestId}] Server Error\n${outcome.failure}\n`;
  const data = "data" in outcome ? `,"errorData":${writeValue(outcome.data, format)}` : "";
  return `{"status":"error","errorMessage":${JSON.stringify(message)}${data}}`;
}

async function run(
  deployment: Deployment,
  target: DeployedFunction,
  json: JSONValue,
): Promise<Outcome> {
  let args: Value;
  try {
    args = readArgs(json);
  } catch (error) {
    return { failure: `Invalid arguments for ${target.path}: ${(error as Error).message}` };
  }
  if (!isObject(args)) {
    const failure =
      "ArgumentValidationError: Expected to receive an object as the function's argument. " +
      `Instead received: ${JSON.stringify(json)}`;
    return { failure };
  }
  try {
    return { value: await deployment.call(target, args) };
  } catch (error) {
    return failureOf(error, target);
  }
}

function isObject(args: Value): args is FunctionArgs {
  const isContainer = Array.isArray(args) || args instanceof ArrayBuffer;
  return typeof args === "object" && args !== null && !isContainer;
}

function failureOf(error: unknown, target: DeployedFunction): Failure {
  const [module = ""] = target.path.split(":");
  const trace = `\n    at handler (../src/${module}.ts)`;
  if (!(error instanceof Error)) return { failure: `Uncaught ${String(error)}${trace}` };
  const failure = `Uncaught ${error.name}: ${error.message}${trace}`;
  const isConvexError = Symbol.for("ConvexError") in error && "data" in error;
  return isConvexError ? { failure, data: error.data as Value } : { failure };
}
