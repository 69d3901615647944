import { DECISION_STEPS_MAX, RULE_STEPS_MAX } from "../../lang/limits.ts";
import { analysisSteps } from "../../lang/scalar/command.ts";

export interface StepLimits {
  /** Of one question: a rule, an invariant, a declaration, a step of a task, an approver. */
  readonly question: number;
  /** Of all questions of one decision together. */
  readonly decision: number;
}

const LIMITS: StepLimits = { question: RULE_STEPS_MAX, decision: DECISION_STEPS_MAX };

/**
 * What an evaluator may still take (SPEC §5.3). One number falls, and a question is given up where it is below
 * `floor`: generated code has one comparison to make, wherever it is.
 */
export class Fuel {
  /** Of the decision; below 0 where it took too many. */
  left: number;
  /** Of the question at hand; never below 0. */
  floor = 0;
  readonly #limits: StepLimits;
  /** A decision analyses each text once, whoever asks. */
  readonly #analysed = new Set<string>();
  #leftOutside = 0;

  constructor(limits = LIMITS) {
    this.#limits = limits;
    this.left = limits.decision;
  }

  /** The next decision. */
  begin(): void {
    this.left = this.#limits.decision;
    this.floor = 0;
    if (this.#analysed.size > 0) this.#analysed.clear();
  }

  /** The next question. */
  ask(): void {
    this.#close();
    this.floor = Math.max(0, this.left - this.#limits.question);
  }

  /** A question within a question, with steps of its own. */
  enter(): void {
    this.#leftOutside = Math.max(-1, this.left - this.floor);
    this.ask();
  }

  /** The outer one has as many left as before, or is out of them as before. */
  leave(): void {
    this.#close();
    this.floor = Math.max(0, this.left - Math.max(0, this.#leftOutside));
    if (this.#leftOutside < 0) this.left = this.floor - 1;
  }

  /** A question that was given up has taken what it was given, however much more it wanted. */
  #close(): void {
    if (this.isOut) this.left = this.floor === 0 ? -1 : this.floor;
  }

  /** Whether the question at hand took more than there were. */
  get isOut(): boolean {
    return this.left < this.floor;
  }

  /** Whether there were so many. What takes none is done even where none are left. */
  spend(steps: number): boolean {
    if (steps === 0) return true;
    this.left -= steps;
    return !this.isOut;
  }

  /** The analysis of a command line is the decision's and not the question's: who asks first must not matter. */
  analyse(text: string): boolean {
    if (!this.#analysed.has(text)) {
      this.#analysed.add(text);
      const steps = analysisSteps(text);
      this.left -= steps;
      this.floor = Math.max(0, this.floor - steps);
      if (this.isOut) return false;
    }
    return this.spend(text.length >> 6);
  }

  /** With as much left: for who tries out what shall take nothing. */
  copy(): Fuel {
    const made = new Fuel(this.#limits);
    made.left = this.left;
    made.floor = this.floor;
    for (const text of this.#analysed) made.#analysed.add(text);
    return made;
  }

  /** Whether the decision took more than it may: nothing that was answered since is to be relied on. */
  get isSpent(): boolean {
    return this.left < 0;
  }

  /** The same of whatever else a request may turn out to be. */
  get mayBeSpent(): boolean {
    return this.isSpent;
  }
}

/** Of what is asked ahead: for each tool, and by the evaluator that takes longer. Beyond it nothing is certain. */
const AHEAD: StepLimits = { question: RULE_STEPS_MAX, decision: 2 * RULE_STEPS_MAX };

/** Where not everything is told yet (SPEC §12.8): how much may be gone besides, for what is open. */
export class OpenFuel extends Fuel {
  /** Of the question at hand. */
  open = 0;
  /** Command lines are among what is open. */
  analysesOpen = false;
  #openBefore = 0;
  #openOutside = 0;

  constructor() {
    super(AHEAD);
  }

  override begin(): void {
    super.begin();
    this.open = 0;
    this.#openBefore = 0;
    this.analysesOpen = false;
  }

  override ask(): void {
    super.ask();
    this.#openBefore += this.open;
    this.open = 0;
  }

  override enter(): void {
    this.#openOutside = this.open;
    super.enter();
  }

  override leave(): void {
    super.leave();
    this.open = this.#openOutside;
  }

  override get mayBeSpent(): boolean {
    return this.analysesOpen || this.left - this.#openBefore - this.open < 0;
  }
}
