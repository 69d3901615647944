/** For whoever makes one, before anybody else holds it. */
export type Writable<Value> = { -readonly [Member in keyof Value]: Value[Member] };
