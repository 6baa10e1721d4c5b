/**
 * How an interop script talks to the tests: one JSON value in on standard input, one line out.
 *
 * Used by every script in this folder; see `run_node` in `tests/interop/node.py`.
 */
import { Console } from "node:console";
import { text } from "node:stream/consumers";

/** Run *answer* on the input and print what it returns. Its errors end the script with status 1. */
export async function script<Payload>(
  answer: (payload: Payload) => Promise<unknown>,
): Promise<void> {
  // Libraries log to the console; standard output carries the answer and nothing else.
  globalThis.console = new Console({ stdout: process.stderr, stderr: process.stderr });
  const payload = JSON.parse(await text(process.stdin)) as Payload;
  const line = JSON.stringify(await answer(payload)) + "\n";
  // A pipe takes long answers in pieces: leave only when all of it was taken.
  process.stdout.write(line, () => process.exit(0));
}
