/** Sizes in words. */

import { number, t, tn } from "../texts/texts.js";

/** @returns {string} such as "1.5 kB" */
export function inBytes(count) {
    if (count < 1e3) {
        return tn("{count} byte", "{count} bytes", Math.round(count));
    }
    return count < 1e6
        ? t("{count} kB", { count: inDigits(count / 1e3) })
        : t("{count} MB", { count: inDigits(count / 1e6) });
}

/** @returns {string} a number with two digits at least: "1.5", "15" */
export function inDigits(size) {
    const digits = size < 10 ? 1 : 0;
    return number(size, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** @returns {string} such as "1,234 characters"; a character outside Unicode's first plane counts once */
export function inCharacters(text) {
    let count = 0;
    for (const _ of text) {
        count += 1;
    }
    return tn("{count} character", "{count} characters", count);
}
