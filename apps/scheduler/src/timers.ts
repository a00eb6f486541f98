/** Runs the work again and again, never two at once, a little out of step with other processes. Answers how to stop. */
export function every(
  periodMs: number,
  work: () => Promise<unknown>,
  onError: (error: unknown) => void,
): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout;
  const next = (): void => {
    timer = setTimeout(() => void run(), periodMs * (0.9 + 0.2 * Math.random()));
  };
  const run = async (): Promise<void> => {
    await work().catch(onError);
    if (!stopped) next();
  };
  next();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
