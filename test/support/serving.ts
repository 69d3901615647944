import { type Ran, type Surroundings, writ } from "./cli.ts";

/** `writ serve` on a free port until `ask`, which is given what it printed first, is done. */
export async function serving(
  words: readonly string[],
  cwd: string,
  ask: (printed: string) => Promise<void>,
  around: Surroundings = {},
): Promise<Ran> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  const { promise: started, resolve: printed } = Promise.withResolvers<void>();
  let out = "";
  const running = writ(["serve", "--port", "0", ...words], {
    ...around,
    cwd,
    stopped,
    onOut: (text) => {
      out += text;
      printed();
    },
  });
  try {
    const ended = await Promise.race([started, running]);
    if (ended !== undefined) throw new Error(`it did not serve: ${ended.out}${ended.err}`);
    await ask(out);
  } finally {
    stop();
  }
  return running;
}
