/** The keyboard focus of the guest's screen, and how to leave it. */

import { focusFirstButton } from "./dom.js";
import { t } from "../texts/texts.js";

/** Make the screen reachable by Tab from the toolbar, and name it. */
export function describeScreen(screen) {
    const canvas = screen.querySelector("canvas");
    canvas.tabIndex = 0;
    canvas.role = "application";
    canvas.ariaLabel = t("Screen of the virtual machine");
}

/** noVNC releases pressed keys when the window loses the focus, but not when its canvas does. */
export function releaseKeysOnBlur(screen) {
    screen.addEventListener("focusout", () => window.dispatchEvent(new Event("blur")));
}

/**
 * Pressing and releasing Ctrl+Alt+Shift, with no other key in between, leaves the screen: the
 * only way out of it without a mouse, because every other key goes to the guest.
 */
export function leaveOnChord(screen, tools) {
    let armed = false;
    const held = (event) => ["Control", "Alt", "Shift"].filter((key) => event.getModifierState(key));
    const onModifier = ({ code }) => /^(Control|Alt|Shift|Meta)/.test(code);

    screen.addEventListener("keydown", (event) => {
        armed = onModifier(event) && (armed || held(event).length === 3);
    }, { capture: true });
    screen.addEventListener("keyup", (event) => {
        if (armed && held(event).length === 0) {
            armed = false;
            focusFirstButton(tools);
        }
    }, { capture: true });
}
