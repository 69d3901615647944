/** Hosts among a program's arguments. */
import {
  HOST_USES,
  type HostUse,
  PROXY_VARIABLE,
  SETTINGS_VARIABLES,
  TEXT_ONLY,
} from "../programs/host-uses.ts";
import type { Word } from "../shell/tree.ts";
import { curlUrls } from "./curl-globs.ts";
import { fileUrls } from "./files.ts";
import { hostsOfOperand, hostsOfUrls } from "./host-names.ts";
import { after, readLine } from "./line.ts";
import type { Call, Scope } from "./scope.ts";
import type { Walk } from "./walk.ts";

/** Hosts of URLs, and of operands of programs that connect. */
export function noteHosts(walk: Walk, { program, args, scope }: Call): void {
  if (!TEXT_ONLY.has(program)) for (const word of args) noteUrls(walk, word);
  const settings = SETTINGS_VARIABLES.get(program) ?? [];
  for (const name of settings) if (walk.variables.has(name)) walk.hosts.add(`@$${name}`);
  if (program === "go") noteModules(walk, args);
  const use = HOST_USES.get(program);
  if (use === undefined) return;
  const line = readLine(args, use);
  for (const { name, value } of line.options) {
    // A pattern may be several words, of which the option takes one.
    if (!value.fixed && value.expandsAt === undefined) noteHost(walk, value, use.form);
    if (use.hostOptions?.includes(name)) noteHostList(walk, value);
    if (use.settingOptions?.includes(name)) noteSetting(walk, value);
    if (use.listOptions?.includes(name)) walk.hosts.add(`@${value.text}`);
  }
  for (const word of use.first ? line.operands.slice(0, 1) : line.operands) {
    noteHost(walk, word, use.form);
  }
  if (program !== "curl") return;
  const given = line.options.flatMap(({ name, value }) => (name === "url" ? [value] : []));
  for (const word of [...line.operands, ...given]) noteGlobbed(walk, word, scope);
}

/** `go get host/module`, `go run host/module@version` */
function noteModules(walk: Walk, [sub, ...words]: readonly Word[]): void {
  if (!/^(?:get|install|run)$/.test(sub?.text ?? "")) return;
  for (const { text } of words) {
    const isFetched = sub?.text === "get" || text.includes("@");
    const [host] = /^[\w-]+(?:\.[\w-]+)+(?=[/@])/.exec(text) ?? [];
    if (isFetched && host !== undefined) walk.host(host);
  }
}

/** The URLs that curl makes of one by its own patterns. */
function noteGlobbed(walk: Walk, word: Word, scope: Scope): void {
  for (const file of fileUrls(word)) walk.file(walk.reads, file, scope);
  if (!/[{[]/.test(word.text) || word.expandsAt !== undefined) return;
  const urls = curlUrls(word.text);
  // Not a host, so that it is none of those that are known.
  if (urls === undefined) walk.hosts.add(word.text);
  for (const text of urls ?? []) {
    noteUrls(walk, { ...word, text });
    for (const file of fileUrls({ ...word, text })) walk.file(walk.reads, file, scope);
    noteHost(walk, { ...word, text }, "url");
  }
}

/** `ssh -J one,two`: every one is gone through. */
export function noteHostList(walk: Walk, word: Word): void {
  let at = 0;
  for (const { length } of word.text.split(",")) {
    const part = after(word, at);
    noteHost(walk, { ...part, text: part.text.slice(0, length) }, "url");
    at += length + 1;
  }
}

/** `wget -e https_proxy=host` */
function noteSetting(walk: Walk, word: Word): void {
  const [start, name] = /^\s*(\w+)\s*=\s*/.exec(word.text) ?? [];
  if (start === undefined || name === undefined || !PROXY_VARIABLE.test(name)) return;
  noteHost(walk, after(word, start.length), "url");
}

export function noteUrls(walk: Walk, word: Word): void {
  for (const host of hostsOfUrls(word.text)) walk.host(host);
}

/** The host of a word that is no URL. */
export function noteHost(walk: Walk, word: Word, form: HostUse["form"]): void {
  const { text } = word;
  if (form === "none" || text.includes("://")) return;
  if (form !== "remote") {
    for (const host of hostsOfOperand(text)) walk.host(host);
    return;
  }
  const host = text.slice(0, Math.max(text.indexOf(":"), 0));
  if (/^[^/]+$/.test(host)) for (const one of hostsOfOperand(host)) walk.host(one);
  else if (word.expandsAt === 0) walk.host(text);
}
