/**
 * A tour through npm's real clients: every domain of `ConvexStore`, both vector stores, the server
 * cache and `Memory`, against one deployment.
 *
 * Input: `{url, key, nativeIndexes}`. The answer holds the outcomes of each stop by its name, in
 * the order of the calls; what differs from run to run (random ids, the time now) is the reader's
 * business.
 */
import { script } from "./script.ts";
import { tourAgentMemory } from "./tour/agent.ts";
import {
  tourBackgroundTasks,
  tourChannels,
  tourSchedules,
  tourScores,
  tourWorkflows,
} from "./tour/domains.ts";
import { tourMemory } from "./tour/memory.ts";
import type { Outcome } from "./tour/steps.ts";
import { type NativeIndexes, tourCache, tourNativeVectors, tourVectors } from "./tour/vectors.ts";

type Request = { url: string; key: string; nativeIndexes: NativeIndexes };

await script<Request>(async ({ url: deploymentUrl, key: adminAuthToken, nativeIndexes }) => {
  const place = { deploymentUrl, adminAuthToken };
  const stops = {
    memory: () => tourMemory(place),
    workflows: () => tourWorkflows(place),
    scores: () => tourScores(place),
    schedules: () => tourSchedules(place),
    channels: () => tourChannels(place),
    backgroundTasks: () => tourBackgroundTasks(place),
    vectors: () => tourVectors(place),
    nativeVectors: () => tourNativeVectors(place, nativeIndexes),
    cache: () => tourCache(place),
    agentMemory: () => tourAgentMemory(place),
  };
  const outcomes: Record<string, Outcome[]> = {};
  for (const [name, stop] of Object.entries(stops)) outcomes[name] = (await stop()).outcomes;
  return outcomes;
});
