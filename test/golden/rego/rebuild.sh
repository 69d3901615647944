#!/bin/sh
# Makes shop.wasm of shop.rego, which test/engine/opa/rego-text.test.ts writes: needs `opa` and `tar`.
set -e
cd "$(dirname "$0")"
bundle=$(mktemp)
opa build -t wasm -e writ/shop/decision -e writ/shop/allow -o "$bundle" shop.rego
tar xzOf "$bundle" /policy.wasm > shop.wasm
rm "$bundle"
