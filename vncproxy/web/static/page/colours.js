/** The colours of a portal, for a page that is shown in it. */

/** Lightness from which a colour gets dark text upon it. */
const LIGHT = 0.4;

/**
 * Use other colours than the page's own, with text upon them that can be read.
 * @param {string} accent - of buttons, as six hexadecimal digits; "" for the page's own
 * @param {string} surface - of toolbar, menus and cards, in the same way
 */
export function useColours({ accent, surface }) {
    const { style } = document.documentElement;
    if (accent) {
        style.setProperty("--accent", `#${accent}`);
        style.setProperty("--on-accent", isLight(accent) ? "#10131a" : "#ffffff");
    }
    if (surface) {
        // the other colours of the page belong to one of these
        style.setProperty("color-scheme", isLight(surface) ? "light" : "dark");
        style.setProperty("--bar", `#${surface}`);
        style.setProperty("--surface", `#${surface}`);
    }
}

/** Whether dark text can be read upon a colour, by its relative luminance (WCAG 2). */
function isLight(colour) {
    const [red, green, blue] = colour.match(/../g).map((each) => {
        const part = parseInt(each, 16) / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > LIGHT;
}
