/**
 * A language model that needs no network: it counts days, and reads the prompt it is sent.
 *
 * The twin of `offline_model.py`, which says what it knows.
 */
import type {
  LanguageModelV3,
  LanguageModelV3Content,
  LanguageModelV3Prompt,
  LanguageModelV3ToolResultPart,
} from "@ai-sdk/provider";
import { randomUUID } from "node:crypto";

export const offlineModel: LanguageModelV3 = {
  specificationVersion: "v3",
  provider: "offline",
  modelId: "dates",
  supportedUrls: {},
  doGenerate: async ({ prompt }) => {
    const content = reply(prompt);
    return {
      content: [content],
      finishReason: {
        unified: content.type === "tool-call" ? "tool-calls" : "stop",
        raw: undefined,
      },
      usage: {
        inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 0, text: 0, reasoning: 0 },
      },
      warnings: [],
    };
  },
  doStream: () => {
    throw new Error("The offline model does not stream.");
  },
};

function reply(prompt: LanguageModelV3Prompt): LanguageModelV3Content {
  const results = prompt
    .flatMap(({ role, content }) => (role === "tool" ? content : []))
    .filter((part) => part.type === "tool-result");
  const last = prompt.at(-1);
  const result = results.at(-1);
  if (last?.role === "tool" && result !== undefined) {
    const found = result.toolName === "days_between" ? `${valueOf(result)} days` : valueOf(result);
    return { type: "text", text: `That is ${found}.` };
  }
  const count = results.findLast(({ toolName }) => toolName === "days_between");
  const [first, second] = JSON.stringify(last).match(/\d{4}-\d\d-\d\d/g) ?? [];
  if (first !== undefined && second !== undefined)
    return calling("days_between", { first, last: second });
  if (first !== undefined && count !== undefined)
    return calling("add_days", { day: first, days: Number(valueOf(count)) });
  const text = results.length
    ? `We found: ${results.map(valueOf).join(", ")}.`
    : "Ask me how many days there are between two dates, like 2026-06-24.";
  return { type: "text", text };
}

function calling(toolName: string, args: object): LanguageModelV3Content {
  // Mastra pairs calls and results by id, so an id must not come twice in a thread.
  const toolCallId = `call_${randomUUID()}`;
  return { type: "tool-call", toolCallId, toolName, input: JSON.stringify(args) };
}

function valueOf({ output }: LanguageModelV3ToolResultPart): string {
  return "value" in output ? String(output.value) : output.type;
}
