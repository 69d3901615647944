/** The one function of the global `WebAssembly` that tests ask; TypeScript has it among what browsers have. */
declare namespace WebAssembly {
  function validate(bytes: Uint8Array): boolean;
}
