/** Which addresses a URL of the configuration may lead to: calculated alone, by the lists of `node:net`. */
import { BlockList, isIP } from "node:net";

/** Why a connection to `address` is not made; `undefined` where it may be. */
export function refusalOfAddress(
  address: string,
  { loopback, privateNetworks }: AllowedAddresses,
): string | undefined {
  const inner = innermost(address);
  if (inner === undefined) return "is no address";
  const isLoopback = LOOPBACK.check(inner.address, inner.family);
  if (loopback !== "never" && isLoopback) return undefined;
  if (loopback === "only") return "is not this machine";
  if (isLoopback) return "is this machine";
  if (NEVER.check(inner.address, inner.family)) return "is link-local, multicast or reserved";
  if (!privateNetworks && PRIVATE.check(inner.address, inner.family))
    return "is in a private network";
  return undefined;
}

export interface AllowedAddresses {
  readonly loopback: "never" | "only";
  readonly privateNetworks: boolean;
}

interface Address {
  readonly address: string;
  readonly family: "ipv4" | "ipv6";
}

/** An IPv4 address that is written inside an IPv6 one is what is reached in the end. */
function innermost(address: string): Address | undefined {
  const version = isIP(address);
  if (version === 4) return { address, family: "ipv4" };
  if (version !== 6) return undefined;
  const groups = groupsOf(address);
  if (groups === undefined) return undefined;
  const [a = 0, b = 0, c = 0] = groups;
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  const isTranslated = a === 0x64 && b === 0xff9b;
  if (isMapped || isTranslated) return { address: dotted(groups.slice(6)), family: "ipv4" };
  if (a === 0x2002) return { address: dotted([b, c]), family: "ipv4" };
  return { address: groups.map((group) => group.toString(16)).join(":"), family: "ipv6" };
}

/** Eight numbers; a zone is left out. */
function groupsOf(address: string): readonly number[] | undefined {
  const [text = ""] = address.split("%");
  const { hostname } = new URL(`http://[${text}]/`);
  const [head = "", tail] = hostname.slice(1, -1).split("::");
  const read = (part: string) =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [before, after] = [read(head), read(tail ?? "")];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  const groups = [...before, ...(tail === undefined ? [] : zeros), ...after];
  return groups.length === 8 ? groups : undefined;
}

function dotted([high = 0, low = 0]: readonly number[]): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

function blocks(...subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = "", bits] = subnet.split("/");
    list.addSubnet(address, Number(bits), isIP(address) === 4 ? "ipv4" : "ipv6");
  }
  return list;
}

const LOOPBACK = blocks("127.0.0.0/8", "::1/128");

/** Metadata services of clouds live on link-local addresses. */
const NEVER = blocks(
  "0.0.0.0/8",
  "169.254.0.0/16",
  "192.0.0.0/24",
  "192.88.99.0/24",
  "198.18.0.0/15",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/96",
  "100::/64",
  "fe80::/10",
  "ff00::/8",
);

const PRIVATE = blocks(
  "10.0.0.0/8",
  "100.64.0.0/10",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "fc00::/7",
  "fec0::/10",
);
