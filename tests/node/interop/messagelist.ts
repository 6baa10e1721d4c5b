/**
 * Turns stored messages into every form in which Mastra hands them on.
 *
 * Input: `{messages}`, as `ConvexStore.listMessages` returns them, with ISO times. Output:
 * `{forms: {"aiV5.model": […], …}}`; a form that throws is `{"error": message}` in its place, so
 * that the test sees all of them at once.
 */
import { MessageList, type MastraDBMessage } from "@mastra/core/agent/message-list";
import { script } from "./script.ts";

type Forms = Record<string, (list: MessageList) => unknown>;

// Every URL counts as one the model reads by itself: a test must not download anything.
const LINKS_STAY_LINKS = { supportedUrls: { "*/*": [/.*/] } };

const FORMS: Forms = {
  db: (list) => list.get.all.db(),
  v1: (list) => list.get.all.v1(),
  ui: (list) => list.get.all.ui(),
  core: (list) => list.get.all.core(),
  prompt: (list) => list.get.all.prompt(),
  "aiV4.ui": (list) => list.get.all.aiV4.ui(),
  "aiV4.core": (list) => list.get.all.aiV4.core(),
  "aiV4.prompt": (list) => list.get.all.aiV4.prompt(),
  "aiV4.llmPrompt": (list) => list.get.all.aiV4.llmPrompt(),
  "aiV5.ui": (list) => list.get.all.aiV5.ui(),
  "aiV5.model": (list) => list.get.all.aiV5.model(),
  "aiV5.prompt": (list) => list.get.all.aiV5.prompt(),
  "aiV5.llmPrompt": (list) => list.get.all.aiV5.llmPrompt(LINKS_STAY_LINKS),
  "aiV6.ui": (list) => list.get.all.aiV6.ui(),
  "aiV6.llmPrompt": (list) => list.get.all.aiV6.llmPrompt(LINKS_STAY_LINKS),
  "aiV7.ui": (list) => list.get.all.aiV7.ui(),
  "aiV7.llmPrompt": (list) => list.get.all.aiV7.llmPrompt(LINKS_STAY_LINKS),
  "remembered.db": (list) => list.get.remembered.db(),
  "remembered.v1": (list) => list.get.remembered.v1(),
  "remembered.ui": (list) => list.get.remembered.ui(),
  "remembered.core": (list) => list.get.remembered.core(),
  "remembered.aiV4.ui": (list) => list.get.remembered.aiV4.ui(),
  "remembered.aiV4.core": (list) => list.get.remembered.aiV4.core(),
  "remembered.aiV5.ui": (list) => list.get.remembered.aiV5.ui(),
  "remembered.aiV5.model": (list) => list.get.remembered.aiV5.model(),
  "remembered.aiV6.ui": (list) => list.get.remembered.aiV6.ui(),
};

await script<{ messages: MastraDBMessage[] }>(async ({ messages }) => {
  const forms: Record<string, unknown> = {};
  for (const [name, convert] of Object.entries(FORMS)) {
    try {
      // A list of its own for each form: no conversion sees what another one left behind.
      const rows = messages.map((row) => ({ ...row, createdAt: new Date(row.createdAt) }));
      const list = new MessageList().add(structuredClone(rows), "memory");
      forms[name] = await convert(list);
    } catch (error) {
      forms[name] = { error: error instanceof Error ? error.message : String(error) };
    }
  }
  return { forms };
});
