/** Before each file of tests: where properties begin, as `seed.ts` says of every random test. They print it. */
import fc from "fast-check";
import { seedFrom } from "./seed.ts";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: seedFrom("WRIT_PROPERTY_SEED") });
