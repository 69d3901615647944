/** One Lua script as Redis runs it: `KEYS`, `ARGV`, `redis.call`, and Redis's rules for what goes in and out. */
import fengari, { type LuaState } from "fengari";

const { lua, lauxlib, lualib, to_luastring } = fengari;

export type LuaReply = string | number | null | readonly LuaReply[];

/** What `redis.call` does; what it throws is an error of the script. */
export type RedisCall = (command: readonly string[]) => LuaReply;

/** Of a library: what Redis reads off, and Lua would not. */
const LIBRARY = /^#!lua [^\n]*/;

/** A script; or a library with one function, which is what runs. */
export class LuaScript {
  readonly #state = lauxlib.luaL_newstate();
  readonly #isLibrary: boolean;
  #run: number;
  #call: RedisCall = () => null;

  constructor(text: string) {
    const state = this.#state;
    this.#isLibrary = LIBRARY.test(text);
    lualib.luaL_openlibs(state);
    lua.lua_newtable(state);
    lua.lua_pushcfunction(state, () => this.#called());
    lua.lua_setfield(state, -2, to_luastring("call"));
    lua.lua_pushcfunction(state, () => {
      this.#run = lauxlib.luaL_ref(state, lua.LUA_REGISTRYINDEX);
      return 0;
    });
    lua.lua_setfield(state, -2, to_luastring("register_function"));
    lua.lua_setglobal(state, to_luastring("redis"));
    const [code, name] = [to_luastring(text.replace(LIBRARY, "")), to_luastring("=script")];
    this.#check(lauxlib.luaL_loadbuffer(state, code, null, name));
    this.#run = lauxlib.luaL_ref(state, lua.LUA_REGISTRYINDEX);
    if (!this.#isLibrary) return;
    lua.lua_rawgeti(state, lua.LUA_REGISTRYINDEX, this.#run);
    this.#check(lua.lua_pcall(state, 0, 0, 0));
  }

  #check(status: number): void {
    if (status !== lua.LUA_OK) throw new Error(lua.lua_tojsstring(this.#state, -1));
  }

  /** Throws with the error that Redis would answer. */
  run(keys: readonly string[], args: readonly string[], call: RedisCall): LuaReply {
    const state = this.#state;
    this.#call = call;
    try {
      lua.lua_rawgeti(state, lua.LUA_REGISTRYINDEX, this.#run);
      pushList(state, keys);
      if (!this.#isLibrary) lua.lua_setglobal(state, to_luastring("KEYS"));
      pushList(state, args);
      if (!this.#isLibrary) lua.lua_setglobal(state, to_luastring("ARGV"));
      this.#check(lua.lua_pcall(state, this.#isLibrary ? 2 : 0, 1, 0));
      return readReply(state, -1);
    } finally {
      lua.lua_settop(state, 0);
    }
  }

  #called(): number {
    const command: string[] = [];
    for (let at = 1; at <= lua.lua_gettop(this.#state); at++)
      command.push(argumentAt(this.#state, at));
    try {
      pushReply(this.#state, this.#call(command));
    } catch (fault) {
      const message = fault instanceof Error ? fault.message : String(fault);
      lua.lua_pushstring(this.#state, to_luastring(message));
      lua.lua_error(this.#state);
    }
    return 1;
  }
}

/** Redis takes texts and numbers, and refuses the rest. */
function argumentAt(state: LuaState, at: number): string {
  const type = lua.lua_type(state, at);
  if (type === lua.LUA_TNUMBER) return String(lua.lua_tonumber(state, at));
  if (type === lua.LUA_TSTRING) return lua.lua_tojsstring(state, at);
  throw new Error("ERR Lua redis lib command arguments must be strings or integers");
}

function pushList(state: LuaState, texts: readonly string[]): void {
  lua.lua_newtable(state);
  for (const [index, text] of texts.entries()) {
    lua.lua_pushstring(state, to_luastring(text));
    lua.lua_rawseti(state, -2, index + 1);
  }
}

function pushReply(state: LuaState, reply: LuaReply): void {
  if (reply === null) lua.lua_pushboolean(state, false);
  else if (typeof reply === "number") lua.lua_pushnumber(state, reply);
  else if (typeof reply === "string") lua.lua_pushstring(state, to_luastring(reply));
  else {
    lua.lua_newtable(state);
    for (const [index, member] of reply.entries()) {
      pushReply(state, member);
      lua.lua_rawseti(state, -2, index + 1);
    }
  }
}

/** Numbers lose their fraction, true is 1, false and nil are nothing, and a list ends at its first nil. */
function readReply(state: LuaState, at: number): LuaReply {
  const type = lua.lua_type(state, at);
  if (type === lua.LUA_TSTRING) return lua.lua_tojsstring(state, at);
  if (type === lua.LUA_TNUMBER) return Math.trunc(lua.lua_tonumber(state, at));
  if (type === lua.LUA_TBOOLEAN) return lua.lua_toboolean(state, at) ? 1 : null;
  if (type !== lua.LUA_TTABLE) return null;
  const list: LuaReply[] = [];
  for (let index = 1; ; index++) {
    lua.lua_rawgeti(state, at, index);
    const isEnd = lua.lua_type(state, -1) <= 0;
    if (!isEnd) list.push(readReply(state, -1));
    lua.lua_settop(state, -2);
    if (isEnd) return list;
  }
}
