/** Sizes in words. */

/** @returns {string} such as "1.5 kB" */
export function inBytes(count) {
    const [size, unit] = count < 1e3 ? [count, "bytes"] : count < 1e6 ? [count / 1e3, "kB"] : [count / 1e6, "MB"];
    return `${size.toFixed(size < 10 && unit !== "bytes" ? 1 : 0)} ${unit}`;
}

/** @returns {string} such as "1,234 characters"; a character outside Unicode's first plane counts once */
export function inCharacters(text) {
    let count = 0;
    for (const _ of text) {
        count += 1;
    }
    return count === 1 ? "1 character" : `${count.toLocaleString(document.documentElement.lang)} characters`;
}
