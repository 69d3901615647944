/** Results of the last whole run, and the documents that are written from them. */
import { readFileSync, writeFileSync } from "node:fs";

const ROOT = new URL("../", import.meta.url);

function resultsFile(name: string): URL {
  return new URL(`bench/results/${name}.json`, ROOT);
}

export function readResults<Results>(name: string): Results {
  return JSON.parse(readFileSync(resultsFile(name), "utf8")) as Results;
}

export function writeResults(name: string, results: object): void {
  writeFileSync(resultsFile(name), `${JSON.stringify(results, null, 2)}\n`);
}

/** `path` from the root of the project. */
export function writeDocument(path: string, text: string): void {
  writeFileSync(new URL(path, ROOT), text);
  console.error(`written: ${path}`);
}
