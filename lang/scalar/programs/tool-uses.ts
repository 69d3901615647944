/** Which files the tools of developers read, write or remove: archives, compilers, packages, keys, tracers. */
import type { FileUse } from "./file-uses.ts";

const COMPILER: FileUse = { values: "DILUluWx", writeOptions: ["o"] };

/** Those that open a file in order to write it. */
const EDITS: FileUse = { writes: "all" };

const INTO_FOLDER: FileUse = {
  writeOptions: [
    ...["t", "target", "d", "dest", "w", "wheel-dir", "prefix", "root", "src", "log", "report"],
    ...["cache-dir", "build"],
  ],
};

export const TOOL_USES: readonly (readonly [string, FileUse])[] = [
  [
    "unzip",
    // Words behind -x are patterns of what is left out.
    { reads: "all", values: "PxX", writeOptions: ["d"], here: ["d"], looks: /^-[^dPx-]*[clptvzZ]/ },
  ],
  [
    "zip",
    {
      writes: "all",
      readOptions: ["i", "x"],
      values: "bnPstTZ",
      also: [
        { having: /^(?:-[a-zA-Z]*m|--mo)/, use: { deletes: "rest", values: "bnPstTZ" } },
        { having: /^(?:-[a-zA-Z]*O|--out)/, use: { writeOptions: ["O", "out"] } },
      ],
    },
  ],
  ["ar", { writes: "rest", also: [{ having: /^-?[a-zA-Z]*x/, use: { here: [] } }] }],
  ["7z", { writes: "rest", also: [{ having: /^[xe]$/, use: { here: [], writeOptions: ["o"] } }] }],
  ["objcopy", { reads: "sources", writes: "target" }],
  ["strip", { writes: "all", writeOptions: ["o", "output-file"] }],
  [
    "patch",
    {
      writes: "all",
      values: "pdiorBDFVYz",
      writeOptions: ["o", "output", "d", "directory"],
      here: ["d", "directory"],
    },
  ],
  ["chattr", { writes: "rest", values: "vp" }],
  ["setfacl", { writes: "all", values: "mxMX" }],
  ["setfattr", { writes: "all", values: "nvx" }],
  ["iconv", { reads: "all", values: "ft", writeOptions: ["o", "output"] }],
  ["xxd", { reads: "all", writes: "rest", values: "closgRn" }],
  ["jq", { reads: "rest", readOptions: ["f", "from-file"] }],
  ["gpg", { writeOptions: ["o", "output", "homedir"] }],
  ["ssh-keygen", { writeOptions: ["f"] }],
  ["aria2c", { writeOptions: ["d", "dir", "o", "out", "l", "log"], here: ["d", "dir"] }],
  ["strace", { writeOptions: ["o", "output"] }],
  ["ltrace", { writeOptions: ["o", "output"] }],
  ["time", { writeOptions: ["o", "output"] }],
  [
    "flock",
    {
      writes: "all",
      values: "wEc",
      longValues: ["command", "conflict-exit-code", "timeout", "wait"],
    },
  ],
  [
    "script",
    {
      writes: "all",
      values: "ceEm",
      longValues: ["command", "echo", "logging-format"],
      writeOptions: [
        ...["B", "I", "O", "T", "t", "log-in", "log-io", "log-out", "log-timing", "timing"],
      ],
      here: ["O", "log-out"],
    },
  ],
  ["xargs", { readOptions: ["a", "arg-file"], values: "dEILnPs" }],
  ...["gcc", "g++", "cc", "c++", "clang", "clang++", "ld", "go", "as", "rustc"].map(
    (name) => [name, COMPILER] as const,
  ),
  ["javac", { writeOptions: ["d", "h", "s"] }],
  ["tsc", { writeOptions: ["outDir", "outFile", "declarationDir", "tsBuildInfoFile"] }],
  ["cmake", { writeOptions: ["B", "install-prefix", "prefix"] }],
  ["cargo", { writeOptions: ["root", "target-dir", "out-dir", "artifact-dir"] }],
  ...["pip", "pip3", "pipx", "uv"].map((name) => [name, INTO_FOLDER] as const),
  ...["npm", "pnpm", "yarn"].map(
    (name) => [name, { writeOptions: ["prefix", "cache", "modules-folder"] }] as const,
  ),
  ...[
    "dos2unix",
    "emacs",
    "ed",
    "ex",
    "nano",
    "nvim",
    "rename",
    "sponge",
    "unix2dos",
    "vi",
    "vim",
  ].map((name) => [name, EDITS] as const),
];
