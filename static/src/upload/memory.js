// Which uploads this browser has begun and not ended: enough to find the way back, and no secret.
const PREFIX = "upload:";
const LIFE = 24 * 60 * 60 * 1000; // milliseconds; the object store keeps parts for a day

/** localStorage throws where the customer does not allow it: then nothing is remembered. */
function attempt(action, otherwise) {
  try {
    return action();
  } catch {
    return otherwise;
  }
}

/** @param {string} order OrderID @param {File} file @param {object} upload the server's answer */
export function remember(order, file, upload) {
  const kept = {
    order,
    order_url: upload.order_url,
    upload_url: upload.upload_url,
    name: file.name,
    size: file.size,
    lastModified: file.lastModified,
    at: Date.now(),
  };
  attempt(() => localStorage.setItem(PREFIX + order, JSON.stringify(kept)));
}

export const forget = (order) => attempt(() => localStorage.removeItem(PREFIX + order));

/** @returns {object[]} what is remembered, newest first */
export function remembered() {
  const keys = attempt(() => Object.keys(localStorage), []).filter((key) => key.startsWith(PREFIX));
  const all = keys.map((key) => attempt(() => JSON.parse(localStorage.getItem(key)), null)).filter(Boolean);
  for (const old of all) if (Date.now() - old.at > LIFE) forget(old.order);
  return all.filter(({ at }) => Date.now() - at <= LIFE).sort((a, b) => b.at - a.at);
}
