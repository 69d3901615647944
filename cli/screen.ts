/** The process's terminal as something to draw on. */
import type { ReadStream, WriteStream } from "node:tty";
import type { Screen } from "./command.ts";

export function screenOf(stdin: ReadStream, stdout: WriteStream): { readonly screen?: Screen } {
  if (stdin.isTTY !== true || stdout.isTTY !== true) return {};
  return {
    screen: {
      size: () => ({ columns: stdout.columns, rows: stdout.rows }),
      onKey(listener) {
        const onData = (bytes: Buffer) => listener(bytes.toString());
        stdin.setRawMode(true);
        stdin.on("data", onData);
        stdin.resume();
        return () => {
          stdin.off("data", onData);
          stdin.setRawMode(false);
          stdin.pause();
        };
      },
    },
  };
}
