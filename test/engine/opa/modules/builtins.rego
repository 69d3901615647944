# One answer for each group of builtins that the module asks its host for.
package builtins

allow if {
	semver.compare(input.tool.args.version, "1.2.3") >= 0
	startswith(sprintf("%s/%d", [input.agent.id, 7]), "bot/")
	object.subset(input.tool.args, {"tags": ["a"]})
	units.parse_bytes("1Ki") == 1024
	urlquery.decode("a%20b") == "a b"
	regex.replace("aXb", "X", "-") == "a-b"
	net.cidr_is_valid("10.0.0.0/8")
	json.patch({"a": 1}, [{"op": "add", "path": "/b", "value": 2}]) == {"a": 1, "b": 2}
	crypto.sha256("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
	yaml.unmarshal("a: [1, 2]") == {"a": [1, 2]}
	hex.encode("a") == "61"
	uuid.rfc4122("x") == uuid.rfc4122("x")
}

claims := payload if {
	[_, payload, _] := io.jwt.decode(input.tool.args.token)
}

now := time.now_ns()

# Time goes by, and both readings are one.
still if time.now_ns() == time.now_ns()

# An undefined builtin makes the rule undefined, and no more than that.
undefined if semver.compare("no version", "1.2.3") == 0

# A thousand million steps: nobody waits for them.
slow if {
	xs := numbers.range(1, 3000)
	some x in xs
	some y in xs
	some z in xs
	x + y + z == 0
}

# Patterns that take other engines for ever, on a text that they almost match.
backtracking if {
	text := concat("", ["a" | some _ in numbers.range(1, 20000)])
	regex.find_n(`^(a|a)*$`, concat("", [text, "!"]), -1) != []
}

backtracking if {
	text := concat("", ["a" | some _ in numbers.range(1, 20000)])
	regex.replace(concat("", [text, "!"]), `^(a+)+$`, "") == ""
}
