/** What a stranger may send (SPEC §13). Every bound is a number, so that SPEC's table can be compared with this file. */

/** UTF-16 units in one file: far above what people write, small enough to parse while a caller waits. */
export const SOURCE_CHARS_MAX = 1_048_576;

/** Tokens in one file: what a file of the greatest size holds when it is written as people write. */
export const TOKENS_MAX = 262_144;

/** Brackets and prefixes (`not`, `-`, `has`, `any`, `if`) open at once: parsing recurses, and the stack is finite. */
export const NESTING_MAX = 64;

/** Operators and attributes in a row count too: every pass over a tree recurses as deep as the tree is high. */
export const TREE_HEIGHT_MAX = 512;

/** Items of a package, all files together: checking names is near linear, but not free. */
export const ITEMS_MAX = 20_000;

/** Characters of one word: names are shown in messages, decisions and audit records. */
export const WORD_CHARS_MAX = 128;

/** UTF-16 units of one string, as written: reasons and patterns are read by people. */
export const STRING_CHARS_MAX = 8_192;

/** Elements of one list, record, or row of names: longer ones are data, and belong in the request. */
export const LIST_ITEMS_MAX = 10_000;

/** Errors shown of one package: nobody reads more, and the first ones often cause the rest. */
export const DIAGNOSTICS_MAX = 100;

/** `any`, `all` and aggregates in each other: each multiplies the time by the length of a list. */
export const LOOP_DEPTH_MAX = 3;

/** Types one type is made of, its names counted out: each is read anew in every request. */
export const TYPE_PARTS_MAX = 10_000;

/** Types in each other, optional ones counted: deeper than any JSON that may stand for them. */
export const TYPE_DEPTH_MAX = 100;

/** Clauses of one rule: what each makes known is looked up in those behind it. */
export const CLAUSES_MAX = 1_000;

/** Functions that call each other one inside the other: deciding recurses as deep. */
export const CALL_DEPTH_MAX = 32;

/** Values a program consists of, everything counted out: it is written down, hashed and read as a whole. */
export const PROGRAM_VALUES_MAX = 10_000_000;

/** Steps of one sequence, repetitions counted out: each is a state of its automaton. */
export const SEQUENCE_STEPS_MAX = 1_000;

/** Pairs of steps of which one may follow the other, all sequences of a package together: each is kept. */
export const SEQUENCE_LINKS_MAX = 1_000_000;

/** Steps (§5.3) of one rule, invariant, declaration, or step of a task, for one request: some 10 ms. */
export const RULE_STEPS_MAX = 100_000;

/** Steps of one decision, all rules together: some 100 ms, for which every other decision waits. */
export const DECISION_STEPS_MAX = 1_000_000;

/** People that one hold waits for: more are no control, but a stop. */
export const APPROVERS_MAX = 10;

/** Milliseconds that a hold may wait: a leap year. What is approved later than that was asked by others. */
export const HOLD_MS_MAX = 31_622_400_000;

/** Packages read for one policy. */
export const PACKAGES_MAX = 64;
