/**
 * The engine's code for modules as one script. A package that was built has it as a file beside this one
 * (`npm run build` writes it); the sources are bundled when asked, with a tool that only developers have.
 */
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BUILT = new URL("guest.script.js", import.meta.url);
const SOURCE = fileURLToPath(new URL("guest.ts", import.meta.url));
const SHIMS = fileURLToPath(new URL("guest-shims.ts", import.meta.url));

export async function guestScript(): Promise<string> {
  return existsSync(BUILT) ? readFileSync(BUILT, "utf8") : bundleGuest();
}

async function bundleGuest(): Promise<string> {
  const { rolldown } = await import("rolldown");
  const bundle = await rolldown({
    input: "writ:entry",
    platform: "neutral",
    resolve: { mainFields: ["module", "main"] },
    plugins: [
      {
        name: "quickjs",
        resolveId: (id) => {
          if (id.startsWith("node:")) return SHIMS;
          return id === "writ:entry" ? id : undefined;
        },
        load: (id) =>
          id === "writ:entry"
            ? `import ${JSON.stringify(SHIMS)};\nimport ${JSON.stringify(SOURCE)};\n`
            : undefined,
      },
    ],
  });
  const { output } = await bundle.generate({ format: "iife", minify: true });
  await bundle.close();
  return output[0].code;
}

/** Into the folder of this file in a package that is built, with the runtime, which the compiler leaves behind. */
if (import.meta.main) {
  const folder = process.argv[2] ?? "";
  writeFileSync(join(folder, "guest.script.js"), await bundleGuest());
  cpSync(new URL("runtime", import.meta.url), join(folder, "runtime"), { recursive: true });
}
