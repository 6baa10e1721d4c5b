/**
 * Lets npm's `Agent` take part in a thread: it is asked, its model answers as told.
 *
 * Input: `Request`. Output: `{text, prompts}`: what the agent said, and what its model was sent in
 * each step.
 */
import { ConvexStore } from "@mastra/convex";
import { Agent } from "@mastra/core/agent";
import type {
  LanguageModelV3,
  LanguageModelV3Content,
  LanguageModelV3Prompt,
} from "@ai-sdk/provider";
import type { MemoryConfig } from "@mastra/core/memory";
import { createTool } from "@mastra/core/tools";
import { Memory } from "@mastra/memory";
import { z } from "zod";
import { script } from "./script.ts";

type Prompt = LanguageModelV3Prompt;
type Content = LanguageModelV3Content[];

/**
 * @property options of the agent's `Memory`.
 * @property replies what the model says, step by step.
 * @property tools what the agent's tools return, by name; an `{error}` is thrown.
 */
type Request = {
  url: string;
  key: string;
  storageFunction?: string;
  threadId: string;
  resourceId: string;
  options?: MemoryConfig;
  question: string;
  replies: Content[];
  tools?: Record<string, unknown>;
};

/** Gives the replies in turn and keeps the prompts. */
function scripted(replies: Content[]): { model: LanguageModelV3; prompts: Prompt[] } {
  const prompts: Prompt[] = [];
  const model: LanguageModelV3 = {
    specificationVersion: "v3",
    provider: "scripted",
    modelId: "scripted",
    supportedUrls: { "*/*": [/.*/] }, // a test must not download anything
    doGenerate: ({ prompt }) => {
      const content = replies[prompts.length];
      prompts.push(structuredClone(prompt));
      if (content === undefined) throw new Error(`no reply for step ${prompts.length}`);
      const calls = content.some((part) => part.type === "tool-call");
      return Promise.resolve({
        content,
        finishReason: { unified: calls ? "tool-calls" : "stop", raw: undefined },
        usage: {
          inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
          outputTokens: { total: 0, text: 0, reasoning: 0 },
        },
        warnings: [],
      });
    },
    doStream: () => {
      throw new Error("the agent is not asked to stream");
    },
  };
  return { model, prompts };
}

function toolOf(id: string, result: unknown) {
  return createTool({
    id,
    description: `Returns what the test says.`,
    inputSchema: z.looseObject({}),
    execute: () => {
      if (result !== null && typeof result === "object" && "error" in result) {
        throw new Error(String(result.error));
      }
      return Promise.resolve(result);
    },
  });
}

await script<Request>(async (request) => {
  const { threadId, resourceId, options = {}, question, replies, tools = {} } = request;
  const storage = new ConvexStore({
    id: "agent",
    deploymentUrl: request.url,
    adminAuthToken: request.key,
    ...(request.storageFunction === undefined ? {} : { storageFunction: request.storageFunction }),
  });
  const { model, prompts } = scripted(replies);
  const agent = new Agent({
    id: "scripted",
    name: "Scripted",
    instructions: "Do as the test says.",
    model,
    memory: new Memory({ storage, options }),
    tools: Object.fromEntries(Object.entries(tools).map(([id, it]) => [id, toolOf(id, it)])),
  });
  const { text } = await agent.generate(question, {
    memory: { thread: threadId, resource: resourceId },
  });
  return { text, prompts };
});
