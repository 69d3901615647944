/** Of fengari, a Lua 5.3 in JavaScript, what `test/support/lua-script.ts` calls: Lua's own C functions. */
declare module "fengari" {
  interface LuaState {
    readonly __lua: never;
  }
  type LuaString = Uint8Array & { readonly __luaString: never };
  const fengari: {
    readonly to_luastring: (text: string) => LuaString;
    readonly lua: {
      readonly LUA_OK: number;
      readonly LUA_REGISTRYINDEX: number;
      readonly LUA_TBOOLEAN: number;
      readonly LUA_TNUMBER: number;
      readonly LUA_TSTRING: number;
      readonly LUA_TTABLE: number;
      lua_error(state: LuaState): never;
      lua_gettop(state: LuaState): number;
      lua_settop(state: LuaState, top: number): void;
      lua_newtable(state: LuaState): void;
      lua_pcall(state: LuaState, args: number, results: number, handler: number): number;
      lua_pushboolean(state: LuaState, value: boolean): void;
      lua_pushcfunction(state: LuaState, call: (state: LuaState) => number): void;
      lua_pushnumber(state: LuaState, value: number): void;
      lua_pushstring(state: LuaState, value: LuaString): void;
      lua_rawgeti(state: LuaState, index: number, key: number): number;
      lua_rawseti(state: LuaState, index: number, key: number): void;
      lua_setfield(state: LuaState, index: number, key: LuaString): void;
      lua_setglobal(state: LuaState, name: LuaString): void;
      lua_toboolean(state: LuaState, index: number): boolean;
      lua_tojsstring(state: LuaState, index: number): string;
      lua_tonumber(state: LuaState, index: number): number;
      lua_type(state: LuaState, index: number): number;
    };
    readonly lauxlib: {
      luaL_newstate(): LuaState;
      luaL_loadbuffer(state: LuaState, text: LuaString, size: null, name: LuaString): number;
      luaL_ref(state: LuaState, table: number): number;
    };
    readonly lualib: { luaL_openlibs(state: LuaState): void };
  };

  export type { LuaState };
  export default fengari;
}
