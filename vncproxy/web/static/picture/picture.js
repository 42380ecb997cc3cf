/** Saves what a screen shows as a PNG file. */

/**
 * @param {?import("../novnc/core/rfb.js").default} rfb - nothing is saved without a screen
 * @param {string} machine - begins the name of the file
 * @param {Date} [when] - ends it
 */
export function savePicture(rfb, machine, when = new Date()) {
    rfb?.toBlob((blob) => blob && saveAs(blob, pictureName(machine, when)), "image/png");
}

/** Let the browser save data under a name. */
export function saveAs(blob, name) {
    const anchor = document.createElement("a");
    anchor.href = URL.createObjectURL(blob);
    anchor.download = name;
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(anchor.href), 60_000); // the browser reads it a moment later
}

/** @returns {string} such as "web-01_2026-01-02_03-04-05.png", in the time of this computer */
export function pictureName(machine, when) {
    const name = machine.replace(/[^\p{L}\p{N}.-]+/gu, "-").replace(/^[.-]+|[.-]+$/g, "").slice(0, 80);
    const two = (number) => String(number).padStart(2, "0");
    const date = [when.getFullYear(), two(when.getMonth() + 1), two(when.getDate())].join("-");
    const time = [when.getHours(), when.getMinutes(), when.getSeconds()].map(two).join("-");
    return `${name || "console"}_${date}_${time}.png`;
}
