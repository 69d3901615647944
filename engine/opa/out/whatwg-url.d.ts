/** The part of whatwg-url that parses, without the classes that QuickJS cannot carry. */
declare module "whatwg-url/lib/url-state-machine.js" {
  interface URLRecord {
    readonly scheme: string;
    readonly host: string | object | null;
    readonly port: number | null;
    readonly query: string | null;
    readonly fragment: string | null;
  }
  const machine: {
    parseURL(text: string): URLRecord | null;
    serializeURL(record: URLRecord): string;
    serializeHost(host: string | object): string;
    serializePath(record: URLRecord): string;
  };
  namespace machine {
    export type { URLRecord };
  }
  export default machine;
}
