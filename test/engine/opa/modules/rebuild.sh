#!/bin/sh
# Compiles the Rego beside it, with OPA 1.22.2: go install github.com/open-policy-agent/opa@v1.22.2
set -eu
cd "$(dirname "$0")"
build() {
  name=$1
  shift
  opa build --target wasm "$@" --output "/tmp/$name.tar.gz" "$name.rego"
  tar --extract --gzip --file "/tmp/$name.tar.gz" --to-stdout /policy.wasm > "$name.wasm"
}
build authz -e authz/allow -e authz/decision -e authz/sometimes -e authz/text -e authz/list \
  -e authz/nothing -e authz/amount -e authz/risk -e authz/echo
build builtins -e builtins/allow -e builtins/claims -e builtins/now -e builtins/still \
  -e builtins/undefined -e builtins/slow
build forbidden -e forbidden/allow
