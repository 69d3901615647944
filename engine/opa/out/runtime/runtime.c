/*
 * The part of an emitted module that is the same for every policy: QuickJS, and OPA's Wasm ABI 1.2 around it
 * (https://www.openpolicyagent.org/docs/wasm). The engine's own code runs in it as byte code, so that a module
 * means what the engine means. `runtime/README.md` says how it is built; `emit.ts` puts code and policy in.
 *
 * Memory: QuickJS has everything below ARENA_END to itself. What `emit.ts` puts in follows, then what the host
 * writes: its heap is a pointer that only goes up and is set back by the host. A value of OPA's is its JSON text.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "quickjs.h"

#define EXPORT(name) __attribute__((export_name(#name)))
#define PAGE 65536u

__attribute__((import_module("env"), import_name("opa_abort"))) void opa_abort(const char *message);
__attribute__((import_module("env"), import_name("opa_println"))) void opa_println(const char *message);
__attribute__((import_module("env"), import_name("opa_builtin0"))) const char *opa_builtin0(int id, int context);

static JSContext *context;
static JSValue decide;
static uint32_t heap;

/* Set by `emit.ts` before anything else runs: where it put what. */
static uint32_t code_at, code_length, policy_at, policy_length;

/* Set while a decision is made: still set when the next begins means that the last one trapped. */
static int busy;

static const char FAILED[] =
    "[{\"result\":{\"decision\":\"deny\",\"code\":\"internal_error\",\"because\":\"the module failed while deciding\","
    "\"reasons\":[],\"obligations\":[]}}]";

/* All memory that QuickJS has, whatever the host grows for itself. As linked: `build.sh`, `emit.ts`. */
#define ARENA_END (512u * PAGE)
extern unsigned char __heap_base;
static uint32_t arena;

void *sbrk(intptr_t increment) {
  if (arena == 0) arena = (uint32_t)&__heap_base;
  if (increment < 0 || arena + (uint32_t)increment > ARENA_END) return (void *)-1;
  uint32_t before = arena;
  arena += (uint32_t)increment;
  return (void *)before;
}

EXPORT(writ_place) void place(uint32_t code, uint32_t length, uint32_t policy, uint32_t size, uint32_t base) {
  code_at = code;
  code_length = length;
  policy_at = policy;
  policy_length = size;
  heap = base;
}

/* ---- The host's heap ------------------------------------------------------------------------------------ */

static uint32_t reserve(uint32_t size) {
  uint32_t at = (heap + 7u) & ~7u;
  uint64_t end = (uint64_t)at + size;
  uint64_t have = (uint64_t)__builtin_wasm_memory_size(0) * PAGE;
  if (end > UINT32_MAX) opa_abort("writ: the host's heap is full");
  if (end > have && __builtin_wasm_memory_grow(0, (end - have + PAGE - 1) / PAGE) == (size_t)-1)
    opa_abort("writ: memory cannot grow");
  heap = (uint32_t)end;
  return at;
}

static const char *text_on_heap(const char *text, size_t length) {
  char *copy = (char *)reserve((uint32_t)length + 1);
  memcpy(copy, text, length);
  copy[length] = 0;
  return copy;
}

EXPORT(opa_malloc) void *opa_malloc(uint32_t size) { return (void *)reserve(size); }
EXPORT(opa_free) void opa_free(void *at) { (void)at; }
EXPORT(opa_value_free) void opa_value_free(void *at) { (void)at; }
EXPORT(opa_heap_ptr_get) uint32_t heap_get(void) { return heap; }
EXPORT(opa_heap_ptr_set) void heap_set(uint32_t to) { heap = to; }

EXPORT(opa_json_parse) const char *json_parse(const char *at, uint32_t length) { return text_on_heap(at, length); }
EXPORT(opa_value_parse) const char *value_parse(const char *at, uint32_t length) { return text_on_heap(at, length); }
EXPORT(opa_json_dump) const char *json_dump(const char *value) { return value; }
EXPORT(opa_value_dump) const char *value_dump(const char *value) { return value; }

/* ---- The engine's code ---------------------------------------------------------------------------------- */

/* Tells the host's log what the answer does not say. */
static int failed(void) {
  JSValue fault = JS_GetException(context);
  const char *text = JS_ToCString(context, fault);
  if (text != NULL) opa_println(text);
  JS_FreeCString(context, text);
  JS_FreeValue(context, fault);
  return 0;
}

static int start(void) {
  JSRuntime *runtime = JS_NewRuntime();
  if (runtime == NULL) return 0;
  context = JS_NewContext(runtime);
  if (context == NULL) return 0;
  JSValue global = JS_GetGlobalObject(context);
  JSValue code = JS_ReadObject(context, (uint8_t *)code_at, code_length, JS_READ_OBJ_BYTECODE);
  if (JS_IsException(code) || JS_IsException(JS_EvalFunction(context, code))) return failed();
  JSValue load = JS_GetPropertyStr(context, global, "load");
  JSValue policy = JS_NewStringLen(context, (const char *)policy_at, policy_length);
  if (JS_IsException(JS_Call(context, load, global, 1, &policy))) return failed();
  JS_FreeValue(context, policy);
  JS_FreeValue(context, load);
  decide = JS_GetPropertyStr(context, global, "decide");
  JS_FreeValue(context, global);
  return 1;
}

/* ---- Deciding --------------------------------------------------------------------------------------------- */

/* `NULL` where the engine's code asks for the time, which it does by giving nothing. */
static const char *ask(int entrypoint, const char *data, const char *input, uint32_t length, const char *now_ns) {
  JSValue values[] = {
      JS_NewInt32(context, entrypoint),
      JS_NewStringLen(context, input, length),
      JS_NewString(context, data == NULL ? "{}" : data),
      now_ns == NULL ? JS_UNDEFINED : JS_NewString(context, now_ns),
  };
  JSValue result = JS_Call(context, decide, JS_UNDEFINED, 4, values);
  for (int at = 0; at < 4; at += 1) JS_FreeValue(context, values[at]);
  if (JS_IsUndefined(result)) return NULL;
  size_t size;
  const char *text = JS_IsException(result) ? NULL : JS_ToCStringLen(context, &size, result);
  if (text == NULL) failed();
  const char *said = text == NULL ? FAILED : text_on_heap(text, size);
  if (text != NULL) JS_FreeCString(context, text);
  JS_FreeValue(context, result);
  return said;
}

static const char *answer(int entrypoint, const char *data, const char *input, uint32_t length) {
  if (busy) return FAILED;
  busy = 1;
  if (context == NULL && !start()) return FAILED;
  const char *said = ask(entrypoint, data, input, length, NULL);
  busy = 0;
  if (said != NULL) return said;
  /* Outside of QuickJS: a host without this builtin throws, and what is thrown through it would break it. */
  const char *now_ns = opa_builtin0(0, 0);
  busy = 1;
  said = ask(entrypoint, data, input, length, now_ns == NULL ? "" : now_ns);
  busy = 0;
  return said == NULL ? FAILED : said;
}

/* ABI 1.2: input as JSON text. The result is JSON text (format 0), or a set in Rego's own syntax (format 1). */
EXPORT(opa_eval)
const char *opa_eval(int reserved, int entrypoint, const char *data, const char *input, uint32_t length,
                     uint32_t heap_at, int format) {
  (void)reserved;
  heap = heap_at;
  const char *list = answer(entrypoint, data, input, length);
  if (format == 0) return list;
  size_t size = strlen(list);
  char *set = (char *)text_on_heap(list, size);
  set[0] = '{';
  set[size - 1] = '}';
  return set;
}

/* ABI 1.0 and 1.1: a context that is filled, then evaluated. */
struct evaluation {
  const char *input, *data, *result;
  int entrypoint;
};

EXPORT(opa_eval_ctx_new) struct evaluation *ctx_new(void) {
  struct evaluation *made = (struct evaluation *)reserve(sizeof(struct evaluation));
  memset(made, 0, sizeof(*made));
  return made;
}
EXPORT(opa_eval_ctx_set_input) void ctx_set_input(struct evaluation *at, const char *input) { at->input = input; }
EXPORT(opa_eval_ctx_set_data) void ctx_set_data(struct evaluation *at, const char *data) { at->data = data; }
EXPORT(opa_eval_ctx_set_entrypoint) void ctx_set_entrypoint(struct evaluation *at, int id) { at->entrypoint = id; }
EXPORT(opa_eval_ctx_get_result) const char *ctx_get_result(struct evaluation *at) { return at->result; }

EXPORT(eval) int eval(struct evaluation *at) {
  const char *input = at->input == NULL ? "" : at->input;
  at->result = answer(at->entrypoint, at->data, input, (uint32_t)strlen(input));
  return 0;
}

EXPORT(entrypoints) const char *entrypoints(void) { return "{\"writ/decision\":0,\"writ/allow\":1}"; }
EXPORT(builtins) const char *builtins(void) { return "{\"time.now_ns\":0}"; }

/* ---- While emitting: JavaScript in, byte code out, at `writ_code` ------------------------------------------- */

static size_t compiled_length;

EXPORT(writ_compiled_length) uint32_t compiled_size(void) { return (uint32_t)compiled_length; }

EXPORT(writ_compile) const uint8_t *compile(const char *text, uint32_t length) {
  JSContext *ctx = JS_NewContext(JS_NewRuntime());
  JSValue code = JS_Eval(ctx, text, length, "writ", JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY);
  if (JS_IsException(code)) return NULL;
  return JS_WriteObject(ctx, &compiled_length, code, JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE);
}

/* ---- What wasi-libc would import ----------------------------------------------------------------------------- */

int32_t __imported_wasi_snapshot_preview1_clock_time_get(int32_t a, int64_t b, int32_t c) {
  (void)a, (void)b;
  *(uint64_t *)c = 0;
  return 0;
}
int32_t __imported_wasi_snapshot_preview1_fd_close(int32_t a) { return (void)a, 8; }
int32_t __imported_wasi_snapshot_preview1_fd_fdstat_get(int32_t a, int32_t b) { return (void)a, (void)b, 8; }
int32_t __imported_wasi_snapshot_preview1_fd_seek(int32_t a, int64_t b, int32_t c, int32_t d) {
  return (void)a, (void)b, (void)c, (void)d, 8;
}
int32_t __imported_wasi_snapshot_preview1_fd_write(int32_t a, int32_t b, int32_t c, int32_t d) {
  return (void)a, (void)b, (void)c, (void)d, 8;
}
