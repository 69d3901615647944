import { describeContract } from "./contract.ts";
import { IN_MEMORY, ON_SQLITE, RESTARTED } from "./stores.ts";

for (const store of [IN_MEMORY, ON_SQLITE, RESTARTED]) describeContract(store);
