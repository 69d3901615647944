/**
 * What a service has open is closed with it, the latest first, whatever went wrong meanwhile: which is what is told then,
 * since what went wrong once is in the way of closing as well.
 */

/** Gives what it was given, which will be closed. */
export type Keep = <Opened>(
  opened: Opened,
  close: (opened: Opened) => void | Promise<void>,
) => Opened;

export async function withOpen<Result>(run: (keep: Keep) => Promise<Result>): Promise<Result> {
  const closing: (() => void | Promise<void>)[] = [];
  const result = await run((opened, close) => {
    closing.push(() => close(opened));
    return opened;
  }).catch(async (fault: unknown) => {
    await closeAll(closing).catch(() => {});
    throw fault;
  });
  await closeAll(closing);
  return result;
}

/** One that fails keeps none of the others open. */
async function closeAll(closing: (() => void | Promise<void>)[]): Promise<void> {
  const close = closing.pop();
  if (close === undefined) return;
  try {
    await close();
  } finally {
    await closeAll(closing);
  }
}
