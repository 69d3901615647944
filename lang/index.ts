/** The language: text in, IR and diagnostics out. Pure; nothing here reads a file, a clock or the network. */
export { BUILTINS, type Builtin } from "./builtins.ts";
export { CODES, type Code } from "./codes.ts";
export { type Compilation, compile } from "./compile.ts";
export { type Diagnostic, hasErrors, severityOf } from "./diagnostic.ts";
export { IR_VERSION, type Program } from "./ir.ts";
export type { PackageSource, Resolve } from "./package.ts";
export { parse } from "./parse.ts";
export { checkPep, type Pep } from "./pep.ts";
export type { SourceFile, Span } from "./source.ts";
export type { TestCase, TestStep } from "./testing.ts";
