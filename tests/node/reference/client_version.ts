/**
 * The `Convex-Client` header: `<name>-<semver>`, and which clients the backend turns away.
 *
 * Called by the routes for every request. Thresholds are those of the backend's `deprecation.json`.
 */
import { HttpError } from "./http_error.ts";
import type { Format } from "./values.ts";

type Version = { numbers: [number, number, number]; prerelease: boolean };
type Threshold = { upgradeRequired: string; unsupported: string };

export type ClientState = { state: "Unsupported" | "UpgradeRequired"; message: string };
export type Client = { deprecation: ClientState | undefined; defaultFormat: Format };

const NPM: Threshold = { upgradeRequired: "0.19.1", unsupported: "0.19.1" };
const PYTHON: Threshold = { upgradeRequired: "0.2.0", unsupported: "0.0.2" };
const RUST: Threshold = { upgradeRequired: "0.0.1", unsupported: "0.0.1" };
const THRESHOLDS: Record<string, Threshold> = {
  npm: NPM,
  "npm-cli": NPM,
  actions: NPM,
  python: PYTHON,
  "python-convex": PYTHON,
  rust: RUST,
};
const FIRST_WITH_CLEAN_JSON: Record<string, string> = {
  npm: "1.4.1",
  "npm-cli": "1.4.1",
  actions: "1.4.1",
  python: "0.5.0",
  "python-convex": "0.5.0",
};
const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

/** Read the header. Throws a 400 where it names no client. */
export function readClient(header: string | undefined): Client {
  if (header === undefined) return { deprecation: undefined, defaultFormat: "json" };
  const parts = header.split("-");
  if (parts.length < 2) {
    throw new HttpError(
      400,
      "InvalidClientVersion",
      `Failed to parse client version string: '${header}'. Expected format is ` +
        "{client_name}-{semver}, e.g. my-client-0.0.1",
    );
  }
  // The longest tail that is a version wins; without any, the name ends at the first hyphen.
  const found = parts.findIndex((_, i) => i > 0 && SEMVER.test(parts.slice(i).join("-")));
  const name = parts
    .slice(0, found === -1 ? 1 : found)
    .join("-")
    .toLowerCase();
  const text = found === -1 ? undefined : parts.slice(found).join("-");
  const firstClean = FIRST_WITH_CLEAN_JSON[name];
  const isOld = firstClean !== undefined && text !== undefined && !isAtLeast(text, firstClean);
  return {
    deprecation: deprecationOf(name, text),
    defaultFormat: isOld ? "convex_encoded_json" : "json",
  };
}

function deprecationOf(name: string, version: string | undefined): ClientState | undefined {
  const threshold = Object.hasOwn(THRESHOLDS, name) ? THRESHOLDS[name] : undefined;
  if (threshold === undefined) return undefined;
  const shown = `The Convex ${name} package at version ${version ?? "Unrecognized"}`;
  if (version === undefined || isAtLeast(threshold.unsupported, version)) {
    return { state: "Unsupported", message: `${shown} is no longer supported.` };
  }
  if (isAtLeast(threshold.upgradeRequired, version)) {
    return { state: "UpgradeRequired", message: `${shown} is deprecated.` };
  }
  return undefined;
}

/** Whether *version* is *minimum* or later. A pre-release comes before its release. */
function isAtLeast(version: string, minimum: string): boolean {
  const a = parse(version);
  const b = parse(minimum);
  for (let i = 0; i < 3; i += 1) {
    const difference = (a.numbers[i] as number) - (b.numbers[i] as number);
    if (difference !== 0) return difference > 0;
  }
  return !a.prerelease || b.prerelease;
}

function parse(version: string): Version {
  const match = SEMVER.exec(version) as RegExpExecArray;
  return {
    numbers: [Number(match[1]), Number(match[2]), Number(match[3])],
    prerelease: match[4] !== undefined,
  };
}
