import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Screen } from "../../cli/command.ts";
import { directoryWith, PAYMENT, SMALL, writ } from "../support/cli.ts";
import { serving } from "../support/serving.ts";

const LIMITED = `${SMALL}
label private
forbid ending tool look when has principal and principal.id == "mallory" then interrupt session
  because "mallory is watched"
`;

/** Serves LIMITED until `ask` is done; what it is given asks for decisions, and runs `writ` beside the service. */
async function operated(
  ask: (
    decide: (session: string, more?: object) => Promise<string>,
    run: (...words: string[]) => ReturnType<typeof writ>,
    cwd: string,
  ) => Promise<void>,
  words: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const cwd = directoryWith({ "p.writ": LIMITED });
  const { code, err } = await serving(
    [...words, "--json", "."],
    cwd,
    async (printed) => {
      const { url } = JSON.parse(printed.split("\n")[0] ?? "");
      const decide = async (session: string, more: object = {}) => {
        const answer = await fetch(`${url}/decide`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ ...PAYMENT, session: { id: session }, ...more }),
        });
        const { decision, code } = (await answer.json()) as Record<string, string>;
        return code ?? decision ?? "";
      };
      await ask(decide, (...given) => writ(given, { cwd, env }), cwd);
    },
    { env },
  );
  expect({ code, err }).toEqual({ code: 0, err: "" });
}

const MALLORY = { principal: { id: "mallory" }, tool: { name: "look" } };

describe("writ sessions", () => {
  test("lists, shows, interrupts and reinstates what the service beside it has", async () => {
    await operated(async (decide, run, cwd) => {
      expect((await run("sessions")).out).toBe("no sessions\n");
      expect(await decide("s 1")).toBe("allow");
      expect(await decide("s 2", MALLORY)).toBe("forbidden");
      const listed = await run("sessions");
      expect(listed.out).toMatch(
        /^s 2 .*interrupted \d+s ago by rule ending: mallory is watched$/m,
      );
      expect(listed.out).toMatch(/^s 1 /m);
      const ended = await run("sessions", "interrupt", "s 1", "--because", "asked by security");
      expect(ended).toMatchObject({ code: 0, out: expect.stringContaining("interrupted s 1") });
      expect(await decide("s 1")).toBe("session_interrupted");
      const shown = await run("sessions", "show", "s 1");
      expect(shown.out).toMatch(/^s 1 interrupted .* by operator .*: asked by security\n/);
      expect(shown.out).toContain("Calls under way: 1\n  pay ");
      const back = ["sessions", "reinstate", "s 1", "--because", "a mistake", "--operator", "ann"];
      expect((await run(...back)).out).toBe("reinstated s 1\n");
      expect(await decide("s 1")).toBe("allow");
      expect(await run(...back)).toMatchObject({
        code: 1,
        out: expect.stringContaining("nothing changed"),
      });
      const recorded = readFileSync(join(cwd, ".writ/audit.jsonl"), "utf8");
      for (const because of ["asked by security", "a mistake"]) expect(recorded).toContain(because);
    });
  });

  test("--json is what the service answers", async () => {
    await operated(async (decide, run) => {
      for (const id of ["a/1", "a/2", "b"]) await decide(id);
      const listed = await run("sessions", "--json", "--prefix", "a/", "--most", "1");
      expect(JSON.parse(listed.out)).toMatchObject({
        sessions: [{ id: expect.stringMatching(/^a\/[12]$/) }],
        next: expect.any(String),
      });
      const shown = await run("sessions", "--json", "show", "b");
      expect(JSON.parse(shown.out)).toMatchObject({ id: "b", calls: 1, interrupted: false });
      const order = ["declassify", "b", "private", "--because", "checked by hand"];
      const done = await run("sessions", "--json", ...order);
      expect(done.code).toBe(1);
      expect(JSON.parse(done.out)).toMatchObject({
        ok: false,
        action: "declassify",
        changed: false,
      });
    });
  });

  test("a session that there is not is a finding; what makes no sense is misuse", async () => {
    await operated(async (_decide, run) => {
      expect(await run("sessions", "show", "nobody")).toMatchObject({
        code: 1,
        err: 'writ sessions: there is no session "nobody"\n',
      });
      for (const [words, said] of [
        [["stop", "s"], "there is no `writ sessions stop`"],
        [["show"], "`writ sessions show ID`"],
        [["declassify", "s"], "`writ sessions declassify ID LABEL`"],
        [["interrupt", "s"], "a change needs a reason"],
        [["--idle", "soon"], "`idle` is not a duration"],
        [["--most", "none"], "`--most` is a number"],
      ] as const) {
        const ran = await run("sessions", ...words);
        expect(ran).toMatchObject({ code: 2, err: expect.stringContaining(said) });
      }
    });
  });

  test("names of strangers cannot move the cursor", async () => {
    await operated(async (_decide, run) => {
      const told = "clean\u001b[2J";
      const done = await run("sessions", "interrupt", told, "--because", "odd");
      expect(done.code).toBe(2);
      expect(done.err).not.toContain("\u001b");
    });
  });
});

/** Where something answers in the place of a service. */
async function answering(answer: (response: ServerResponse) => void): Promise<string> {
  const other = createServer((_request, response) => answer(response));
  await new Promise<void>((ready) => other.listen(0, "127.0.0.1", ready));
  onTestFinished(() => void other.close());
  const address = other.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : undefined}`;
}

describe("where no service is", () => {
  test("it says where it looked, and what to do", async () => {
    const cwd = directoryWith({});
    const ran = await writ(["sessions"], { cwd });
    expect(ran).toMatchObject({ code: 2 });
    expect(ran.err).toContain("no service answers at .writ/admin.sock: no socket is there");
    expect(ran.err).toContain("`writ serve POLICY`");
    expect(await writ(["top", "--admin", "http://127.0.0.1:1"], { cwd })).toMatchObject({
      code: 2,
      err: expect.stringContaining("nobody listens there any more"),
    });
  });

  test("a credential is sent to no other machine", async () => {
    for (const where of [
      "http://10.1.2.3:80",
      "https://admin.example",
      "http://localhost.evil.example",
    ]) {
      const ran = await writ(["top", "--admin", where], { cwd: directoryWith({}) });
      expect(ran).toMatchObject({
        code: 2,
        err: expect.stringContaining("no address of this machine"),
      });
    }
  });

  test("what answers something else is not believed", async () => {
    const where = await answering((answer) => void answer.end("hello"));
    const ran = await writ(["top", "--admin", where], { cwd: directoryWith({}) });
    expect(ran).toMatchObject({ code: 2, err: expect.stringContaining("is no service of writ") });
  });

  test("what the service refuses is no bug of the command", async () => {
    const where = await answering((answer) => {
      const type = "urn:writ:problem:internal_error";
      answer.writeHead(500).end(JSON.stringify({ type, title: "the service failed" }));
    });
    for (const command of ["top", "sessions", "approvals", "revoke"]) {
      const ran = await writ([command, "--admin", where], { cwd: directoryWith({}) });
      const err = `writ ${command}: ${where} refuses: the service failed\n`;
      expect(ran).toMatchObject({ code: 2, err });
    }
  });
});

describe("writ serve --admin", () => {
  test("by default a socket of this user's, in a directory that no repository holds", async () => {
    let directory = "";
    await operated(async (_decide, _run, cwd) => {
      directory = cwd;
      expect(lstatSync(join(cwd, ".writ")).mode & 0o777).toBe(0o700);
      expect(lstatSync(join(cwd, ".writ/admin.sock")).mode & 0o777).toBe(0o600);
      expect(readFileSync(join(cwd, ".writ/.gitignore"), "utf8")).toBe("*\n");
    });
    expect(readdirSync(join(directory, ".writ"))).not.toContain("admin.sock");
  });

  test("off, or at another place", async () => {
    await operated(
      async (_decide, run, cwd) => {
        expect(existsSync(join(cwd, ".writ/admin.sock"))).toBe(false);
        expect((await run("sessions")).code).toBe(2);
      },
      ["--admin", "off"],
    );
    await operated(
      async (_decide, run) => {
        expect((await run("sessions", "--admin", "run/ops.sock")).out).toBe("no sessions\n");
      },
      ["--admin", "run/ops.sock"],
    );
  });

  const SECOND = ["serve", "--port", "0", "--audit", "off", "--state", "memory", "."];

  test("a second service does not take the first one's socket", async () => {
    await operated(async (_decide, run) => {
      const second = await run(...SECOND);
      expect(second).toMatchObject({
        code: 2,
        err: expect.stringContaining("another service listens"),
      });
      expect((await run("sessions")).code).toBe(0);
    });
  });

  test("what an operator ended stays ended when the service starts again", async () => {
    const cwd = directoryWith({ "p.writ": LIMITED });
    const run = (...words: string[]) => writ(words, { cwd });
    await serving(["."], cwd, async () => {
      await run("sessions", "interrupt", "s", "--because", "asked by security");
    });
    await serving(["."], cwd, async () => {
      const { out } = await run("sessions", "show", "s");
      expect(out).toMatch(/^s interrupted .* by operator .*: asked by security\n/);
    });
  });

  test("a port needs a credential, of the service and of who asks", async () => {
    const secret = randomBytes(32).toString("base64");
    const cwd = directoryWith({ "p.writ": LIMITED, secret, open: secret, weak: "letmein" });
    chmodSync(join(cwd, "secret"), 0o600);
    chmodSync(join(cwd, "weak"), 0o600);
    chmodSync(join(cwd, "open"), 0o644);
    const serve = (...words: string[]) =>
      writ(["serve", "--port", "0", "--admin-port", "0", ...words, "."], { cwd });
    for (const [words, said] of [
      [[], "`--admin-port` needs a credential"],
      [["--admin-credential", "weak"], "too easy to guess"],
      [["--admin-credential", "open"], "others can read"],
      [["--admin-credential", "missing"], "cannot read `missing`"],
      [["--admin-credential", "secret", "--admin", "a.sock"], "two ways of one thing"],
    ] as const) {
      expect(await serve(...words)).toMatchObject({ code: 2, err: expect.stringContaining(said) });
    }
    const words = ["--admin-port", "0", "--admin-credential", "secret", "--json", "."];
    await serving(words, cwd, async (printed) => {
      const { admin } = JSON.parse(printed.split("\n")[0] ?? "");
      const top = (env: Record<string, string>) => writ(["top", "--admin", admin], { cwd, env });
      expect((await top({ WRIT_ADMIN_CREDENTIAL: secret })).code).toBe(0);
      for (const env of [{}, { WRIT_ADMIN_CREDENTIAL: `${secret}x` }]) {
        expect(await top(env)).toMatchObject({
          code: 2,
          err: expect.stringContaining("credential"),
        });
      }
      expect(printed).not.toContain(secret);
    });
  });
});

describe("writ top", () => {
  test("prints once where there is no terminal", async () => {
    await operated(async (decide, run) => {
      await decide("s");
      await decide("s 2", MALLORY);
      const { out, code } = await run("top");
      expect(code).toBe(0);
      expect(out).not.toContain("\u001b");
      expect(out).toContain("● ready");
      expect(out).toMatch(/allow .* 1 in all\n/);
      expect(out).toMatch(/spend robot .* 12\.50 \/ 500\.00 +2% +in 1d {2}paying\n/);
      expect(out).toMatch(
        /Sessions 2, 1 interrupted .*\n {2}s 2 .* rule ending {2}mallory is watched\n/,
      );
    });
  });

  test("--json prints what `GET /state` answers", async () => {
    await operated(async (decide, run) => {
      await decide("s");
      expect(JSON.parse((await run("top", "--json")).out)).toMatchObject({
        policy: { package: "small" },
        decisions: { total: { allow: 1 } },
        counters: [{ name: "spend", highest: [{ key: ["robot"], value: 12.5, limit: 500 }] }],
      });
    });
  });

  test("draws on a terminal until `q`, and leaves it as it was", async () => {
    await operated(async (_decide, _run, cwd) => {
      const keys = fakeScreen();
      let drawn = "";
      const ran = await writ(["top"], {
        cwd,
        screen: keys.screen,
        onOut: (text) => {
          drawn += text;
          if (text.includes("nearest to a limit")) keys.press("s");
          else if (text.includes("highest first")) keys.press("q");
        },
      });
      expect(ran.code).toBe(0);
      expect(drawn.startsWith("\u001b[?1049h\u001b[?25l")).toBe(true);
      expect(drawn.endsWith("\u001b[?25h\u001b[?1049l")).toBe(true);
      expect(keys.released()).toBe(true);
    });
  });
});

function fakeScreen() {
  let listener: ((key: string) => void) | undefined;
  const screen: Screen = {
    size: () => ({ columns: 80, rows: 24 }),
    onKey(given) {
      listener = given;
      return () => {
        listener = undefined;
      };
    },
  };
  return {
    screen,
    // Not while it draws: a key comes when it comes.
    press: (key: string) => void setImmediate(() => listener?.(key)),
    released: () => listener === undefined,
  };
}
