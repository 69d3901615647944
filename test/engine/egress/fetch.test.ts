import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, LookupFunction } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { refusalOfAddress } from "../../../engine/egress/address.ts";
import { type Fetched, fetchBytes, readUrl } from "../../../engine/egress/fetch.ts";

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

async function serving(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** Names lead where the test says; `undefined` is a name that nobody knows. */
function resolver(lead: (name: string) => readonly string[] | undefined): LookupFunction {
  return (name, { all }, done) => {
    const found = lead(name)?.map((address) => ({
      address,
      family: address.includes(":") ? 6 : 4,
    }));
    if (found === undefined) done(Object.assign(new Error("unknown"), { code: "ENOTFOUND" }), "");
    else if (all === true) done(null, found);
    else done(null, found[0]?.address ?? "", found[0]?.family);
  };
}

async function ask(
  text: string,
  more: Partial<Parameters<typeof fetchBytes>[0]> = {},
): Promise<Fetched> {
  const reading = readUrl(text);
  if (!reading.ok) return { kind: "failed", code: "unreachable", because: reading.why };
  const { url } = reading;
  return fetchBytes({
    url,
    privateNetworks: false,
    byteCountMax: 1_000,
    timeoutMs: 5_000,
    ...more,
  });
}

describe("addresses", () => {
  const never = { loopback: "never", privateNetworks: false } as const;
  const inside = { ...never, privateNetworks: true };

  test.each([
    ["127.0.0.1", "is this machine"],
    ["127.9.9.9", "is this machine"],
    ["::1", "is this machine"],
    ["::ffff:127.0.0.1", "is this machine"],
    ["64:ff9b::7f00:1", "is this machine"],
    ["2002:7f00:1::", "is this machine"],
    ["0.0.0.0", "is link-local"],
    ["::", "is link-local"],
    ["169.254.169.254", "is link-local"],
    ["::ffff:169.254.169.254", "is link-local"],
    ["::ffff:a9fe:a9fe", "is link-local"],
    ["64:ff9b::169.254.169.254", "is link-local"],
    ["fe80::1%eth0", "is link-local"],
    ["224.0.0.1", "is link-local"],
    ["255.255.255.255", "is link-local"],
    ["ff02::1", "is link-local"],
    ["10.1.2.3", "is in a private network"],
    ["172.16.0.1", "is in a private network"],
    ["192.168.1.1", "is in a private network"],
    ["100.64.0.1", "is in a private network"],
    ["fd00::1", "is in a private network"],
    ["::ffff:10.0.0.1", "is in a private network"],
    ["not an address", "is no address"],
  ])("%s %s", (address, says) => {
    expect(refusalOfAddress(address, never)).toContain(says);
    const isPrivate = says === "is in a private network";
    expect(refusalOfAddress(address, inside) === undefined).toBe(isPrivate);
  });

  test.each(["1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"])(
    "%s may be asked",
    (address) => {
      expect(refusalOfAddress(address, never)).toBeUndefined();
      expect(refusalOfAddress(address, { ...never, loopback: "only" })).toBe("is not this machine");
    },
  );
});

describe("no form of a URL leads a connection where it must not go", async () => {
  let hits = 0;
  const port = await serving((_, response) => {
    hits += 1;
    response.end("canary");
  });
  const forms = [
    ...[
      "127.0.0.1",
      "127.1",
      "2130706433",
      "0x7f000001",
      "0177.0.0.1",
      "0x7f.1",
      "127.0.0.1.",
      "①②⑦.0.0.1",
    ],
    ...["[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[64:ff9b::7f00:1]"],
    ...[
      "0",
      "0.0.0.0",
      "[::]",
      "169.254.169.254",
      "[::ffff:169.254.169.254]",
      "0xa9fea9fe",
      "2852039166",
    ],
    ...[
      "10.0.0.1",
      "192.168.0.1",
      "172.31.255.255",
      "[fd00::1]",
      "[fe80::1]",
      "localhost",
      "localhost.",
    ],
    ...["rebinding.example", "mixed.example", "nowhere.example"],
  ];
  const lookup = resolver((name) => {
    if (name.startsWith("nowhere")) return undefined;
    return name.startsWith("mixed") ? ["1.1.1.1", "127.0.0.1"] : ["127.0.0.1"];
  });
  const plain = [
    "rebinding.example",
    "1.1.1.1",
    "169.254.169.254",
    "[::ffff:169.254.169.254]",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
  ];

  // Of https to this machine a handshake is tried, which this server takes for no request.
  test.each(forms)("https://%s", async (host) => {
    const answer = await ask(`https://${host}:${port}/`, { lookup });
    expect(answer).toMatchObject({ kind: "failed", code: "unreachable" });
    expect(hits).toBe(0);
  });

  test.each(plain)("http://%s", async (host) => {
    const answer = await ask(`http://${host}:${port}/`, { lookup });
    expect(answer).toMatchObject({ kind: "failed", because: expect.stringContaining("not https") });
    expect(hits).toBe(0);
  });

  test.each([
    `http://user:pass@127.0.0.1:${port}/`,
    `http://evil@127.0.0.1:${port}/`,
    `http://127.0.0.1:${port}/#a`,
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "data:text/plain,hello",
    "//127.0.0.1/",
    "",
  ])("%s", async (text) => {
    expect((await ask(text)).kind).toBe("failed");
    expect(hits).toBe(0);
  });

  test("a name of this machine that leads elsewhere is not followed", async () => {
    const elsewhere = resolver(() => ["169.254.169.254"]);
    const answer = await ask(`http://localhost:${port}/`, { lookup: elsewhere });
    expect(answer).toMatchObject({
      because: "localhost is 169.254.169.254, which is not this machine",
    });
  });

  test("the canary sings when it is asked", async () => {
    expect(await ask(`http://127.0.0.1:${port}/`)).toMatchObject({ kind: "body" });
    expect(await ask(`http://localhost:${port}/`, { lookup })).toMatchObject({ kind: "body" });
    expect(hits).toBe(2);
  });
});

describe("answers", () => {
  test("an ETag is sent back, and 304 is the same", async () => {
    const port = await serving((request, response) => {
      if (request.headers["if-none-match"] === '"v1"') response.writeHead(304).end();
      else response.writeHead(200, { etag: '"v1"' }).end("one");
    });
    const url = `http://127.0.0.1:${port}/policy.writb`;
    const first = await ask(url);
    expect(first).toEqual({ kind: "body", bytes: Buffer.from("one"), etag: '"v1"' });
    expect(await ask(url, { etag: '"v1"' })).toEqual({ kind: "same" });
  });

  test("304 to who has nothing yet is no answer", async () => {
    const port = await serving((_, response) => void response.writeHead(304).end());
    expect(await ask(`http://127.0.0.1:${port}/policy.writb`)).toEqual({
      kind: "failed",
      code: "unreachable",
      because: "it was answered with 304",
    });
  });

  test.each<[string, RequestListener, string]>([
    [
      "a redirect",
      (_, response) => response.writeHead(302, { location: "/" }).end(),
      "leads elsewhere (302)",
    ],
    ["an error", (_, response) => response.writeHead(503).end(), "answered with 503"],
    ["no content", (_, response) => response.writeHead(204).end(), "answered with 204"],
    [
      "a bomb",
      (_, response) =>
        response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(1e6))),
      "it is compressed",
    ],
    [
      "one cut off",
      (_, response) => void response.writeHead(200, { "content-length": "9" }).end("x"),
      "cannot be reached",
    ],
  ])("%s is none", async (_, listener, says) => {
    const answer = await ask(`http://127.0.0.1:${await serving(listener)}/`);
    expect(answer).toMatchObject({
      kind: "failed",
      code: "unreachable",
      because: expect.stringContaining(says),
    });
  });

  test("too much is not waited for, whether announced or not", async () => {
    const announced = await serving((_, response) => {
      response.writeHead(200, { "content-length": "1001" }).flushHeaders();
    });
    const endless = await serving((_, response) => {
      const more = (fault?: Error | null) =>
        void (fault || response.destroyed || response.write(Buffer.alloc(10_000), more));
      more();
    });
    for (const port of [announced, endless]) {
      expect(await ask(`http://127.0.0.1:${port}/`)).toMatchObject({
        kind: "failed",
        code: "too_large",
      });
    }
  });

  test("who never answers, or never ends, is given up", async () => {
    const silent = await serving(() => {});
    const slow = await serving((_, response) => void response.writeHead(200).write("x"));
    for (const port of [silent, slow]) {
      const answer = await ask(`http://127.0.0.1:${port}/`, { timeoutMs: 100 });
      expect(answer).toMatchObject({ code: "unreachable", because: "it took longer than 0.1 s" });
    }
  });
});
