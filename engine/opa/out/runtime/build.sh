#!/usr/bin/env bash
# Builds runtime.wasm from runtime.c and QuickJS. Needs clang and lld 14 or newer, wasi-libc and the compiler's
# runtime for wasm32 (Debian: clang lld wasi-libc libclang-rt-14-dev-wasm32). Usage: build.sh QUICKJS_FOLDER
set -euo pipefail
quickjs="$1"
here="$(cd "$(dirname "$0")" && pwd)"
builtins="$(clang -print-resource-dir)/lib/wasi/libclang_rt.builtins-wasm32.a"
clang --target=wasm32-wasi --sysroot=/usr -O2 -flto -mbulk-memory -D_GNU_SOURCE -DNDEBUG \
  -mexec-model=reactor -nodefaultlibs -I"$quickjs" \
  -Wl,--gc-sections,--strip-all,--import-memory,--stack-first,-z,stack-size=1048576 \
  -Wl,--initial-memory=33554432,--export=__heap_base \
  "$here/runtime.c" "$quickjs"/{quickjs,libregexp,libunicode,dtoa}.c \
  -L/usr/lib/wasm32-wasi -lc "$builtins" -o "$here/runtime.wasm"
ls -l "$here/runtime.wasm"
