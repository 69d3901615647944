export { type AuthzenParts, serveAuthzen } from "./authzen.ts";
export { type Mapping, type MappingReading, readMapping } from "./mapping.ts";
