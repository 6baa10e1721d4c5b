/**
 * What a stop of the tour does: calls of one client, each with a name, whose outcomes are kept.
 *
 * Used by the stops beside this file and by `../tour.ts`.
 */
export type Place = { deploymentUrl: string; adminAuthToken: string };
export type Outcome = { step: string; result: unknown } | { step: string; error: string };

/** A client's calls, in order; what a call returns or throws becomes an outcome. */
export class Steps {
  readonly outcomes: Outcome[] = [];

  /** Run a call; the next one sees what it changed. Returns undefined where it threw. */
  async take<T>(step: string, call: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await call();
      this.outcomes.push({ step, result: result ?? null });
      return result;
    } catch (error) {
      this.outcomes.push({ step, error: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  }
}

/** A fixed time, a number of seconds after the tour's beginning. */
export function at(seconds: number): Date {
  return new Date(Date.UTC(2026, 0, 2, 3, 4, 5) + seconds * 1000);
}
