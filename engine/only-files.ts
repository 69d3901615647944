/** Files of a service's own: what else stands in their place is refused before it is opened. */
import { statSync } from "node:fs";

/**
 * Throws where one is there and is no file. To open a pipe waits for whoever opens its other end, and a device may never
 * end: a service would wait for ever and say nothing.
 */
export function onlyFiles(paths: readonly string[]): void {
  for (const path of paths) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && !found.isFile()) throw new Error(`${path} is no file`);
  }
}
