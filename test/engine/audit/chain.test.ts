/** Lines as they are put together in the bytes that are written. */
import { expect, test } from "vitest";
import { BEGINNING, Links } from "../../../engine/audit/chain.ts";
import { walk } from "../../../engine/audit/walk.ts";

const CHARACTERS = ["a", '"', "é", "—", "\u{1f600}", "\u007f", "\u0085", "\u2028"];

test("records of any characters and length stand whole in a line each, which follows from the one before", () => {
  const texts = CHARACTERS.flatMap((character) =>
    [1, 50, 9_000, 70_000].map((count) => character.repeat(count)),
  );
  const links = new Links(BEGINNING);
  for (const text of texts) links.add(JSON.stringify({ text }));
  const read: string[] = [];
  const bytes = Buffer.concat([Buffer.from("\n"), links.bytes]);
  const onRecord = (json: string) => void read.push(JSON.parse(json).text);
  expect(walk({ bytes, verifiers: [], onRecord })).toMatchObject({ lineCount: texts.length });
  expect(read).toEqual(texts);
  expect(links.bytes.toString().split(/[\n\u0085\u2028]/)).toHaveLength(texts.length + 1);
});
