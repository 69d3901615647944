export { type AuthzenParts, serveAuthzen } from "./authzen.ts";
export type { EnforcementPoint } from "./callers.ts";
export { type Mapping, type MappingReading, readMapping } from "./mapping.ts";
export { baseOf, REQUESTS } from "./metadata.ts";
export { ACCESS_PROBLEMS, type AccessParts } from "./requests.ts";
