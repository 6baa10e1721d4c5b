/**
 * Observational memory as a Mastra application keeps it: npm's `ConvexStore`.
 *
 * Input: `{url, key, storageFunction?, threadId, resourceId, steps?}`. The steps are taken
 * one after the other, each on the record that is then the current one; what they return is
 * `results`, and the memory as Mastra reads it afterwards is `current` and `history`. Times are ISO
 * strings in both directions.
 */
import { ConvexStore } from "@mastra/convex";
import type {
  CreateObservationalMemoryInput,
  CreateReflectionGenerationInput,
  MemoryStorage,
  ObservationalMemoryRecord,
  SwapBufferedReflectionToActiveInput,
  SwapBufferedToActiveInput,
  UpdateActiveObservationsInput,
  UpdateBufferedObservationsInput,
  UpdateBufferedReflectionInput,
  UpdateObservationalMemoryConfigInput,
} from "@mastra/core/storage";
import { script } from "./script.ts";

type OnRecord<Input> = Omit<Input, "id" | "currentRecord">;

/** One operation; which record it is about is filled in. */
type Step =
  | { call: "initialize"; input: Omit<CreateObservationalMemoryInput, "threadId" | "resourceId"> }
  | { call: "insert"; input: ObservationalMemoryRecord }
  | { call: "updateActive"; input: OnRecord<UpdateActiveObservationsInput> }
  | { call: "updateBuffered"; input: OnRecord<UpdateBufferedObservationsInput> }
  | { call: "swapBuffered"; input: OnRecord<SwapBufferedToActiveInput> }
  | { call: "reflect"; input: OnRecord<CreateReflectionGenerationInput> }
  | { call: "updateReflection"; input: OnRecord<UpdateBufferedReflectionInput> }
  | { call: "swapReflection"; input: OnRecord<SwapBufferedReflectionToActiveInput> }
  | { call: "updateConfig"; input: OnRecord<UpdateObservationalMemoryConfigInput> }
  | { call: "setObserving" | "setReflecting" | "setBufferingReflection"; input: boolean }
  | { call: "setBufferingObservation"; input: [boolean, number?] }
  | { call: "setPendingTokens"; input: number }
  | { call: "clear" };

type Request = {
  url: string;
  key: string;
  storageFunction?: string;
  threadId: string | null;
  resourceId: string;
  steps?: Step[];
};

async function take(memory: MemoryStorage, request: Request, step: Step): Promise<unknown> {
  const { threadId, resourceId } = request;
  if (step.call === "initialize")
    return memory.initializeObservationalMemory({ threadId, resourceId, ...step.input });
  if (step.call === "insert") return memory.insertObservationalMemoryRecord(step.input);
  if (step.call === "clear") return memory.clearObservationalMemory(threadId, resourceId);
  const currentRecord = await memory.getObservationalMemory(threadId, resourceId);
  if (currentRecord === null) throw new Error("There is no memory to take a step on");
  const { id } = currentRecord;
  switch (step.call) {
    case "updateActive":
      return memory.updateActiveObservations({ id, ...step.input });
    case "updateBuffered":
      return memory.updateBufferedObservations({ id, ...step.input });
    case "swapBuffered":
      return memory.swapBufferedToActive({ id, ...step.input });
    case "reflect":
      return memory.createReflectionGeneration({ currentRecord, ...step.input });
    case "updateReflection":
      return memory.updateBufferedReflection({ id, ...step.input });
    case "swapReflection":
      return memory.swapBufferedReflectionToActive({ currentRecord, ...step.input });
    case "updateConfig":
      return memory.updateObservationalMemoryConfig({ id, ...step.input });
    case "setObserving":
      return memory.setObservingFlag(id, step.input);
    case "setReflecting":
      return memory.setReflectingFlag(id, step.input);
    case "setBufferingReflection":
      return memory.setBufferingReflectionFlag(id, step.input);
    case "setBufferingObservation":
      return memory.setBufferingObservationFlag(id, ...step.input);
    case "setPendingTokens":
      return memory.setPendingMessageTokens(id, step.input);
  }
}

const TIMES = new Set(["lastObservedAt", "lastBufferedAtTime", "createdAt", "updatedAt"]);

/** JSON has no dates: those that Mastra expects as such are made ones. */
function withDates<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value), (key, item: unknown) =>
    TIMES.has(key) && typeof item === "string" ? new Date(item) : item,
  ) as Value;
}

await script<Request>(async (request) => {
  const { url, key, storageFunction, threadId, resourceId, steps = [] } = request;
  const store = new ConvexStore({
    id: "interop",
    deploymentUrl: url,
    adminAuthToken: key,
    ...(storageFunction === undefined ? {} : { storageFunction }),
  });
  const memory = await store.getStore("memory");
  if (memory === undefined) throw new Error("ConvexStore has no memory");
  const results: unknown[] = [];
  for (const step of withDates(steps)) results.push((await take(memory, request, step)) ?? null);
  return {
    results,
    current: await memory.getObservationalMemory(threadId, resourceId),
    history: await memory.getObservationalMemoryHistory(threadId, resourceId),
  };
});
