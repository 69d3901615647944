/** Durations as options spell them, which is how the language does: `30s`, `24h`. */
import { parseDuration } from "../lang/scalar/duration.ts";
import { Misuse } from "./command.ts";

/** Milliseconds. */
export function durationOf(given: string, option: string): number {
  const parsed = parseDuration(given);
  if (parsed.ok) return parsed.value;
  throw new Misuse(`\`--${option}\` ${parsed.why}, and \`${given}\` is none`);
}
