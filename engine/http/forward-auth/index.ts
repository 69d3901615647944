export { type ForwardAuthParts, serveForwardAuth } from "./forward-auth.ts";
export { type ProxyMapping, type ProxyMappingReading, readProxyMapping } from "./mapping.ts";
