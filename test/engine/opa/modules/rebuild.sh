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
  -e builtins/undefined -e builtins/slow -e builtins/backtracking
build forbidden -e forbidden/allow

# A bundle with data that is laid out oddly, signed by a key that is thrown away.
work=$(mktemp -d)
cp authz.rego authz.json "$work"
mv "$work/authz.json" "$work/data.json"
printf '{"limits": {"b": 1.50, "a": [1e3, "<\\u2028>"]}}' > "$work/extra.json"
mkdir "$work/extra" && mv "$work/extra.json" "$work/extra/data.json"
openssl genrsa -out "$work/key.pem" 2048
openssl rsa -in "$work/key.pem" -pubout -out signed.pub
(cd "$work" && opa build --target wasm -e authz/allow -e authz/decision --revision r7 --bundle . \
  --signing-alg RS256 --signing-key key.pem --output signed.tar.gz --ignore key.pem)
mv "$work/signed.tar.gz" signed.tar.gz
rm -r "$work"
