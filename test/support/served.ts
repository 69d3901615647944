/** `writ serve` as a test drives it: what it prints is waited for, never slept for. */
import { writ } from "./cli.ts";

export interface Serving {
  /** Where it listens. */
  readonly url: string;
  /** What it said when it did. */
  // biome-ignore lint/suspicious/noExplicitAny: JSON that a test looks into
  readonly listening: any;
  /** The next event of that name that was not waited for yet. */
  // biome-ignore lint/suspicious/noExplicitAny: JSON that a test looks into
  event(name: string): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: JSON that a test looks into
  ask(path: string, body?: object): Promise<{ readonly status: number; readonly json: any }>;
  stop(): ReturnType<typeof writ>;
}

/** With `--json`, on any free port. */
export async function serve(words: readonly string[], cwd: string): Promise<Serving> {
  const events: { readonly event: string }[] = [];
  let wake = () => {};
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  const running = writ(["serve", "--json", "--port", "0", ...words], {
    cwd,
    stopped,
    onOut: (text) => {
      events.push(
        ...text
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line)),
      );
      wake();
    },
  });
  let ended = false;
  void running.then(() => {
    ended = true;
    wake();
  });
  const event = async (name: string) => {
    for (;;) {
      const at = events.findIndex((one) => one.event === name);
      if (at >= 0) return events.splice(at, 1)[0];
      if (ended) throw new Error(`it ended without \`${name}\`: ${JSON.stringify(await running)}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const listening = await event("listening");
  const { url } = listening as unknown as { readonly url: string };
  return {
    url,
    listening,
    event,
    async ask(path, body) {
      const answer = await fetch(
        `${url}${path}`,
        body && {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        },
      );
      return { status: answer.status, json: await answer.json() };
    },
    stop() {
      stop();
      return running;
    },
  };
}
