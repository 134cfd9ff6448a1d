// Waiting that ends when it is called off.

/** @param {number} milliseconds @param {AbortSignal} signal @throws the signal's reason */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

/** Wait until the browser has a network. @param {AbortSignal} signal @throws the signal's reason */
export async function online(signal) {
  if (navigator.onLine) return;
  await new Promise((resolve, reject) => {
    signal.throwIfAborted();
    addEventListener("online", resolve, { once: true, signal });
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
