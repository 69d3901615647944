/** Every diagnostic there is (SPEC Appendix A). A code is never given a second meaning. */
export interface CodeInfo {
  readonly severity: "error" | "warning";
  /** What all messages under this code have in common. */
  readonly summary: string;
  /** The section of SPEC.md that states the rule. */
  readonly spec: string;
}

export const CODES = {
  E101: { severity: "error", summary: "unexpected token", spec: "§3" },
  E102: { severity: "error", summary: "`package` or `use` out of place", spec: "§3" },
  E103: { severity: "error", summary: "comparisons in a row", spec: "§3" },
  E111: { severity: "error", summary: "unexpected character", spec: "§2" },
  E112: { severity: "error", summary: "string not closed on its line", spec: "§2" },
  E113: { severity: "error", summary: "unknown escape in a string", spec: "§2" },
  E114: { severity: "error", summary: "malformed number or duration", spec: "§2" },
  E115: { severity: "error", summary: "hidden character", spec: "§2" },
  E116: { severity: "error", summary: "forbidden name", spec: "§2" },
  E121: { severity: "error", summary: "nested too deeply", spec: "§13" },
  E122: { severity: "error", summary: "too long or too many", spec: "§13" },
  E123: { severity: "error", summary: "file too large", spec: "§13" },
  E129: { severity: "error", summary: "more errors than are shown", spec: "§13" },
  E201: { severity: "error", summary: "unknown name", spec: "§5.1" },
  E202: { severity: "error", summary: "unknown or malformed type", spec: "§4.2" },
  E203: { severity: "error", summary: "declared twice", spec: "§4.1" },
  E204: { severity: "error", summary: "types that do not fit", spec: "§5.2" },
  E205: {
    severity: "error",
    summary: "what may be absent is used as if it were there",
    spec: "§5.2",
  },
  E206: { severity: "error", summary: "unknown attribute, argument or member", spec: "§4.4" },
  E207: { severity: "error", summary: "not declared", spec: "§4.1" },
  E208: {
    severity: "error",
    summary: "an operator or function that does not take this",
    spec: "§5.4",
  },
  E209: { severity: "error", summary: "a word with several meanings", spec: "§5.1" },
  E210: { severity: "error", summary: "a constant is wanted", spec: "§4.3" },
  E211: { severity: "error", summary: "malformed or out of range", spec: "§4.3" },
  E212: { severity: "error", summary: "made of itself", spec: "§5.8" },
  E213: { severity: "error", summary: "said twice", spec: "§6.1" },
  E214: { severity: "error", summary: "a clause in the wrong kind of rule", spec: "§6.1" },
  E215: { severity: "error", summary: "a clause is missing", spec: "§6.1" },
  E216: { severity: "error", summary: "malformed obligation", spec: "§6.5" },
  E217: { severity: "error", summary: "a default where there is none", spec: "§4.4" },
  E218: { severity: "error", summary: "a tool without an effect", spec: "§4.4" },
  E219: { severity: "error", summary: "malformed declaration", spec: "§4.4" },
  E220: { severity: "error", summary: "cannot be read here", spec: "§5.1" },
  E221: { severity: "error", summary: "`has` of what is no question", spec: "§5.2" },
  E222: { severity: "error", summary: "loops too deep", spec: "§13" },
  E223: { severity: "error", summary: "wrong number of arguments", spec: "§5.8" },
  E224: { severity: "error", summary: "packages that do not fit together", spec: "§10" },
  E225: { severity: "error", summary: "a sequence too long", spec: "§13" },
  E226: { severity: "error", summary: "what cannot be limited", spec: "§8.3" },
  E227: { severity: "error", summary: "an outcome of no call", spec: "§9.2" },
  E228: { severity: "error", summary: "a test leaves out an argument", spec: "§9.2" },
  E229: { severity: "error", summary: "the enforcement point cannot supply this", spec: "§9.3" },
  E230: { severity: "error", summary: "an imported module that cannot be run", spec: "§5.9" },
  E231: { severity: "error", summary: "said too late or too early in a test", spec: "§9.2" },
  W301: { severity: "warning", summary: "applies when something is missing", spec: "§5.3" },
  W302: { severity: "warning", summary: "always true", spec: "§5.2" },
  W303: { severity: "warning", summary: "stands for nothing", spec: "§6.1" },
  W304: { severity: "warning", summary: "an obligation Writ does not know", spec: "§6.5" },
  W305: { severity: "warning", summary: "a folder that commands get around", spec: "§5.8" },
  W306: { severity: "warning", summary: "a test that expects nothing", spec: "§9.2" },
} as const satisfies Record<string, CodeInfo>;

export type Code = keyof typeof CODES;
