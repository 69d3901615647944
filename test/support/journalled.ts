/** A policy of which every kind of state can be told apart after a restart. */
export const JOURNALLED = `package journalled

tool pay, check, stop { effect execute }
counter paid = count allowed pay per session
latch checked = completed check per session
permit working tool pay, check when has session
permit free tool pay when has session and checked
forbid ending tool stop then interrupt session
`;
