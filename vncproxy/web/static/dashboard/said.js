/** What the API could not confirm, in words. */

import { visible } from "./make.js";

/**
 * Return a sentence about the processes that did not answer in time; empty where all did.
 * @param {{unconfirmed?: {name: string}[]}} answer
 */
export function lateWords({ unconfirmed = [] }) {
    if (!unconfirmed.length) {
        return "";
    }
    const names = [...new Set(unconfirmed.map(({ name }) => visible(name)))].join(", ");
    return `Not confirmed in time by ${names}, which does it as soon as it can.`;
}
