// Numbers as people say them, in the page's language.
const language = document.documentElement.lang;

/** Fill {name} in a sentence that came with the page. */
export const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, key) => values[key]);

/** @param {number} count bytes */
export function bytes(count) {
  const [unit, size] = [["gigabyte", 1e9], ["megabyte", 1e6], ["kilobyte", 1e3]].find(([, each]) => count >= each) ?? ["byte", 1];
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: size > 1e3 ? 1 : 0 }).format(count / size);
}

/** @param {number} seconds, rounded so that the words do not flicker */
export function duration(seconds) {
  const [unit, size] = seconds >= 90 ? ["minute", 60] : ["second", 1];
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(Math.ceil(seconds / size));
}

/** Speed over the last seconds: @returns {(sent: number) => number} bytes a second */
export function speedometer() {
  const samples = [];
  return (sent) => {
    const now = performance.now();
    samples.push([now, sent]);
    while (samples.length > 2 && now - samples[0][0] > 5_000) samples.shift();
    const [then, before] = samples[0];
    return now > then ? ((sent - before) / (now - then)) * 1000 : 0;
  };
}
