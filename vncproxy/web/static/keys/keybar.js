/** The keys above the on-screen keyboard of a phone or tablet, which it does not have itself. */

import { element } from "../page/dom.js";
import { held, press } from "./keys.js";

/** Milliseconds until a key that stays pressed repeats, and between two repeats. */
const REPEAT_AFTER = 450;
const REPEAT_EACH = 70;

export function attach(connection) {
    const bar = element("key-bar");
    const field = element("soft-field");
    // a button that got the focus would hide the keyboard
    bar.addEventListener("mousedown", (event) => event.preventDefault());
    bar.querySelectorAll("[data-chord]").forEach((button) => repeat(button, () => {
        if (connection.live) {
            press(connection.live, button.dataset.chord);
        }
    }));
    bar.querySelectorAll("[data-once]").forEach((button) => {
        button.addEventListener("click", () => {
            if (connection.live) {
                held.toggleOnce(connection.live, button.dataset.once);
            }
        });
    });
    held.addEventListener("change", () => bar.querySelectorAll("[data-once]").forEach((button) => {
        button.ariaPressed = String(held.has(button.dataset.once));
    }));
    field.addEventListener("focus", () => {
        bar.hidden = !matchMedia("(any-pointer: coarse)").matches;
    });
    field.addEventListener("blur", ({ relatedTarget }) => {
        bar.hidden = !bar.contains(relatedTarget);
    });
    bar.addEventListener("focusout", ({ relatedTarget }) => {
        bar.hidden = relatedTarget !== field && !bar.contains(relatedTarget);
    });
    fitAboveKeyboard();
}

/** Press a key at once, and again and again while its button is held; a swipe presses nothing. */
function repeat(button, action) {
    let timer = 0;
    let repeated = false;
    const again = () => {
        repeated = true;
        action();
        timer = setTimeout(again, REPEAT_EACH);
    };
    button.addEventListener("pointerdown", () => {
        repeated = false;
        clearTimeout(timer);
        timer = setTimeout(again, REPEAT_AFTER);
    });
    for (const type of ["pointerup", "pointercancel", "pointerleave"]) {
        button.addEventListener(type, () => clearTimeout(timer));
    }
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    button.addEventListener("click", () => repeated || action());
}

/** Some browsers lay their keyboard over the page instead of making it smaller. */
function fitAboveKeyboard() {
    window.visualViewport?.addEventListener("resize", () => {
        const { height, scale } = visualViewport;
        const covered = scale === 1 && innerHeight - height > 1;
        document.body.style.height = covered ? `${height}px` : "";
        if (covered) {
            scrollTo(0, 0);
        }
    });
}
