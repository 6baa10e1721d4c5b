/**
 * A Mastra agent with the tools of `examples/langchain_agent.py`, which goes on with its threads.
 *
 *     node examples/one_memory/agent.ts --thread dates "What have we found?"
 *
 * `main.py` runs it. By hand it needs CONVEX_URL and CONVEX_ADMIN_KEY: those of a deployment, or
 * those that `convex-mastra dev` prints. CHAT_MODEL names a real model, e.g. `openai:gpt-5-mini`.
 */
import { ConvexStore } from "@mastra/convex";
import { Agent } from "@mastra/core/agent";
import type { ProcessLLMRequestArgs, Processor } from "@mastra/core/processors";
import { createTool } from "@mastra/core/tools";
import { Memory } from "@mastra/memory";
import { parseArgs } from "node:util";
import { z } from "zod";
import { offlineModel } from "./offline_model.ts";

const { CHAT_MODEL, CONVEX_URL = "", CONVEX_ADMIN_KEY = "" } = process.env;
const DAY_MS = 24 * 60 * 60 * 1000;

type Prompt = ProcessLLMRequestArgs["prompt"];

const daysBetween = createTool({
  id: "days_between",
  description: "Count the days from one date to another.",
  inputSchema: z.object({ first: z.iso.date(), last: z.iso.date() }),
  execute: async ({ first, last }) => (Date.parse(last) - Date.parse(first)) / DAY_MS,
});

const addDays = createTool({
  id: "add_days",
  description: "Return the date so many days after another.",
  inputSchema: z.object({ day: z.iso.date(), days: z.int() }),
  execute: async ({ day, days }) =>
    new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10),
});

/** Keeps what the model was sent last, so that it can be shown. */
class Watch implements Processor {
  readonly id = "watch";
  sent: Prompt = [];

  processLLMRequest({ prompt }: ProcessLLMRequestArgs): undefined {
    this.sent = prompt;
  }
}

async function ask(thread: string, question: string): Promise<void> {
  const watch = new Watch();
  const agent = new Agent({
    id: "dates",
    name: "Dates",
    instructions: "You answer questions about dates. Count with your tools.",
    model: CHAT_MODEL ? CHAT_MODEL.replace(":", "/") : offlineModel,
    tools: { days_between: daysBetween, add_days: addDays },
    memory: new Memory({
      storage: new ConvexStore({
        id: "one-memory",
        deploymentUrl: CONVEX_URL,
        adminAuthToken: CONVEX_ADMIN_KEY,
      }),
      options: { lastMessages: 20 },
    }),
    inputProcessors: [watch],
  });
  const { text } = await agent.generate(question, { memory: { thread, resource: "ann" } });

  console.log(`\nMastra agent, thread '${thread}'; its model was sent:`);
  show(watch.sent);
  console.log("and answered:");
  show([{ role: "assistant", content: [{ type: "text", text }] }]);
}

/** Prints messages, a line for each text, tool call and result. */
function show(messages: Prompt): void {
  for (const { role, content } of messages) {
    if (role === "system") continue;
    for (const part of content) {
      if (part.type === "text") line(role, part.text);
      else if (part.type === "tool-call")
        line("call", `${part.toolName}(${Object.values(part.input as object).join(", ")})`);
      else if (part.type === "tool-result" && "value" in part.output)
        line("result", String(part.output.value));
    }
  }
}

function line(kind: string, text: string): void {
  console.log(`${kind.padStart(11)}  ${text}`);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { thread: { type: "string", default: "dates" } },
});
await ask(values.thread, positionals.join(" "));
