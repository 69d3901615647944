import { describe, expect, test } from "vitest";
import { outcomeOf, send, serve } from "./support.ts";

// A content type that one reader takes for JSON and another does not has been a way past validation.
const app = serve();
const status = async (type: string | undefined) =>
  outcomeOf(await send(app, { headers: { "content-type": type } }));

describe("content types that are taken", () => {
  test.each([
    "application/json",
    "APPLICATION/JSON",
    "Application/Json",
    "application/json;charset=utf-8",
    "application/json; charset=utf-8",
    "application/json; charset=UTF-8",
    "Application/JSON; Charset=Utf-8",
  ])("%j", async (type) => {
    expect(await status(type)).toBe("200");
  });
});

describe("content types that are not", () => {
  test.each([
    "",
    " application/json", // blanks around a header's value are gone once it has come over a socket
    "application/json ",
    "json",
    "/",
    "*/*",
    "application/*",
    "text/plain",
    "text/json",
    "text/html",
    "text/plain; application/json",
    "text/plain;charset=utf-8",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "application/octet-stream",
    "application/xml",
    "application/json5",
    "application/jsonp",
    "application/json-seq",
    "application/jsonl",
    "application/x-json",
    "application/x-ndjson",
    "application/problem+json",
    "application/ld+json",
    "application/vnd.api+json",
    "application/json+x",
    "xapplication/json",
    "application/jsonx",
    "application/jso",
    "application /json",
    "application/ json",
    "application/json/",
    "application//json",
    "application\\json",
    "application/json;",
    "application/json; ",
    "application/json;;",
    "application/json,",
    "application/json, text/plain",
    "application/json,application/json",
    "text/plain, application/json",
    "application/json text/plain",
    "application/json\ttext/plain",
    "application/json\t;charset=utf-8",
    "application/json ;charset=utf-8",
    "application/json;\tcharset=utf-8",
    "application/json;  charset=utf-8",
    "application/json; charset=utf8",
    'application/json; charset="utf-8"',
    "application/json; charset='utf-8'",
    "application/json; charset =utf-8",
    "application/json; charset= utf-8",
    "application/json; charset=",
    "application/json; charset",
    "application/json; charset=utf-16",
    "application/json; charset=utf-7",
    "application/json; charset=latin1",
    "application/json; charset=iso-8859-1",
    "application/json; charset=utf-8; charset=utf-16",
    "application/json; charset=utf-8; x=y",
    "application/json; x=y; charset=utf-8",
    "application/json; boundary=x",
    "application/json; q=1",
    "application/json#",
    "application/json?",
    "'application/json'",
    '"application/json"',
    "application/json\u00a0",
    "\u00a0application/json",
    "application/json\u0085",
    "application/js\u00f6n",
    "__proto__",
    "constructor",
  ])("%j", async (type) => {
    expect(await status(type)).toBe("400 unsupported_media_type");
  });

  test("none", async () => {
    expect(await status(undefined)).toBe("400 unsupported_media_type");
  });
});
