/**
 * Convex values as the backend's HTTP API reads and writes them.
 *
 * Called by the routes. Arguments are read by the rules of the encoded format whatever `format`
 * says; results are written as the Rust backend writes them: keys sorted, every number a float
 * (`5` is `5.0`), three formats that differ in integers, bytes and special floats.
 */
import { jsonToConvex } from "convex/values";
import type { JSONValue, Value } from "convex/values";

export type Format = "json" | "convex_encoded_json" | "export_json";

const FORMATS: Record<string, Format> = {
  json: "json",
  convex_clean_json: "json",
  convex_encoded_json: "convex_encoded_json",
  convex_json: "convex_encoded_json",
  export_json: "export_json",
};

/** The format named *name*, or undefined where there is none of that name. */
export function formatNamed(name: string): Format | undefined {
  return Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
}

/** Read a function's arguments. Throws an Error that says what is wrong with them. */
export function readArgs(json: JSONValue): Value {
  // JSON.parse accepts the escape of half a character and turns an overlong number into Infinity;
  // the backend's parser refuses both.
  refuseWhatIsNoJson(json);
  return jsonToConvex(json);
}

/** Write *value* as JSON text. Fields that are undefined are left out. */
export function writeValue(value: Value | undefined, format: Format): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return writeNumber(value, format);
    case "boolean":
      return value ? "true" : "false";
    case "bigint":
      return writeInteger(value, format);
    case "undefined":
      return "null";
    default:
      if (value === null) return "null";
      if (Array.isArray(value)) return writeArray(value, format);
      if (value instanceof ArrayBuffer) return writeBytes(value, format);
      return writeObject(value as Record<string, Value | undefined>, format);
  }
}

function writeArray(values: Value[], format: Format): string {
  // Embeddings: native code writes fractions exactly as wanted, and most of them are fractions.
  if (
    values.every((value) => typeof value === "number" && value % 1 !== 0 && value - value === 0)
  ) {
    return JSON.stringify(values);
  }
  let text = "[";
  for (let i = 0; i < values.length; i += 1) {
    text += (i === 0 ? "" : ",") + writeValue(values[i], format);
  }
  return `${text}]`;
}

function writeObject(fields: Record<string, Value | undefined>, format: Format): string {
  let text = "{";
  // Names of fields are ASCII, so the order of UTF-16 units is the order of UTF-8 bytes.
  for (const name of Object.keys(fields).sort()) {
    const value = fields[name];
    if (value === undefined) continue;
    text += `${text.length === 1 ? "" : ","}${JSON.stringify(name)}:${writeValue(value, format)}`;
  }
  return `${text}}`;
}

function writeNumber(value: number, format: Format): string {
  if (!Number.isFinite(value)) {
    if (format === "json") return `"${String(value)}"`;
    return `{"$float":"${base64OfFloat(value)}"}`;
  }
  if (Object.is(value, -0)) {
    return format === "convex_encoded_json" ? `{"$float":"${base64OfFloat(value)}"}` : "-0.0";
  }
  const text = String(value);
  return Number.isInteger(value) && !text.includes("e") ? `${text}.0` : text;
}

function writeInteger(value: bigint, format: Format): string {
  if (format === "json") return `"${String(value)}"`;
  if (format === "export_json") return String(value);
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return `{"$integer":"${bytes.toString("base64")}"}`;
}

function writeBytes(value: ArrayBuffer, format: Format): string {
  const base64 = Buffer.from(value).toString("base64");
  return format === "json" ? `"${base64}"` : `{"$bytes":"${base64}"}`;
}

function base64OfFloat(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes.toString("base64");
}

function refuseWhatIsNoJson(json: JSONValue): void {
  if (typeof json === "string" ? !json.isWellFormed() : json === Infinity || json === -Infinity) {
    throw new Error("Invalid arguments provided");
  }
  if (Array.isArray(json)) json.forEach(refuseWhatIsNoJson);
  else if (typeof json === "object" && json !== null) {
    for (const [name, value] of Object.entries(json)) {
      if (!name.isWellFormed()) throw new Error("Invalid arguments provided");
      if (value !== undefined) refuseWhatIsNoJson(value);
    }
  }
}
