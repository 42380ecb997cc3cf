/** Numbers and moments in words. */

const UNITS = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
    [1, "s"],
];

/** Return a duration by its two largest units: `3 h 20 min`. */
export function duration(seconds) {
    let left = Math.max(0, Math.round(seconds));
    const words = [];
    for (const [size, unit] of UNITS) {
        if (left >= size && words.length < 2) {
            words.push(`${Math.floor(left / size)} ${unit}`);
            left %= size;
        } else if (words.length) {
            break;
        }
    }
    return words.join(" ") || "0 s";
}

/** Return how long ago a moment was, of RFC 3339. */
export const age = (moment) => duration((Date.now() - Date.parse(moment)) / 1000);

/** Return a moment as people of this computer write it. */
export const moment = (text) =>
    text ? new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" }) : "–";

/** Return a number of bytes: `1.2 MB`. */
export function bytes(count) {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let value = count;
    let unit = 0;
    while (value >= 999.5 && unit < units.length - 1) {
        value /= 1000;
        unit += 1;
    }
    return `${unit && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** Return a number with its noun: `1 session`, `2 sessions`. */
export const count = (number, noun) =>
    `${number.toLocaleString()} ${noun}${number === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`;
