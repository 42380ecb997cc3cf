/** Moments of a recording in words: microseconds inside, "1:02:03" for people. */

import { t, tn } from "../texts/texts.js";

export const SECOND = 1_000_000;

/** @returns {string} such as "1:02:03", or "2:03" in the first hour; with tenths where asked */
export function written(moment, tenths = false) {
    const all = Math.max(0, tenths ? Math.floor(moment / 100_000) / 10 : Math.floor(moment / SECOND));
    const hours = Math.floor(all / 3600);
    const minutes = Math.floor(all / 60) % 60;
    const seconds = (all % 60).toFixed(tenths ? 1 : 0).padStart(tenths ? 4 : 2, "0");
    return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

/** @returns {string} as a screen reader says it: "1 hour 2 minutes 3 seconds" */
export function spoken(moment) {
    const all = Math.max(0, Math.floor(moment / SECOND));
    const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
    const said = [
        hours && tn("{count} hour", "{count} hours", hours),
        minutes && tn("{count} minute", "{count} minutes", minutes),
        (seconds || !all) && tn("{count} second", "{count} seconds", seconds),
    ];
    return said.filter(Boolean).join(" ");
}

/** @returns {string} how long: "12 min", "40 s", "1 h 20 min" */
export function lasting(moment) {
    const all = Math.round(moment / SECOND);
    if (all < 60) {
        return t("{count} s", { count: all });
    }
    const minutes = Math.round(all / 60);
    return minutes < 60
        ? t("{count} min", { count: minutes })
        : t("{hours} h {minutes} min", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

/**
 * Read what a user has typed: "754.2", "12:34", "1:02:03", "1h2m3s".
 * @returns {?number} microseconds; null where it is no moment
 */
export function read(text) {
    const words = text.trim().toLowerCase().replace(",", ".");
    const colons = /^(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,7}(?:\.\d{1,6})?)$/.exec(words);
    const units = /^(?=.)(?:(\d{1,4})\s*h)?\s*(?:(\d{1,5})\s*m(?:in)?)?\s*(?:(\d{1,7}(?:\.\d{1,6})?)\s*s)?$/.exec(words);
    const found = colons ?? units;
    if (!found) {
        return null;
    }
    const [hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0));
    return Math.round((hours * 3600 + minutes * 60 + seconds) * SECOND);
}
