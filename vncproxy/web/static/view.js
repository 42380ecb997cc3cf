/** How the guest's screen is shown: scaling, panning, full screen. */

import { element, onClick } from "./dom.js";

const STORED_AS = "vncproxy.scaling";
/** noVNC's values of `resize` in a link, and the page's modes. */
const FROM_LINK = { scale: "fit", off: "actual", remote: "resize" };
const MODES = ["fit", "actual", "resize"];

export function attach(connection, link) {
    let mode = FROM_LINK[link.resize] ?? stored();
    const choices = document.querySelectorAll("[name=scaling]");
    choices.forEach((choice) => {
        choice.checked = choice.value === mode;
        choice.addEventListener("change", () => {
            mode = choice.value;
            store(mode);
            scale(connection.rfb, mode);
        });
    });
    connection.addEventListener("screen", () => {
        const { rfb } = connection;
        scale(rfb, mode);
        if (!connection.onTheMove) {
            pan(rfb, false);
        }
        rfb.addEventListener("clippingviewport", ({ detail }) => {
            element("pan").hidden = !detail;
            pan(rfb, detail && element("pan").ariaPressed === "true");
        });
    });
    onClick("pan", () => pan(connection.live, element("pan").ariaPressed !== "true"));
    attachFullScreen(connection);
}

/** Touch screens have no scroll bars to drag, so the view is clipped there. */
function scale(rfb, mode) {
    if (rfb) {
        rfb.scaleViewport = mode !== "actual";
        rfb.clipViewport = mode === "actual" && matchMedia("(pointer: coarse)").matches;
        rfb.resizeSession = mode === "resize";
    }
}

function pan(rfb, on) {
    element("pan").ariaPressed = String(on);
    if (rfb) {
        rfb.dragViewport = on;
    }
}

function attachFullScreen(connection) {
    for (const id of ["full-screen", "view-full-screen"]) {
        element(id).hidden = !document.fullscreenEnabled;
        onClick(id, async () => {
            element("view-menu").hidePopover();
            await toggleFullScreen();
            connection.live?.focus({ preventScroll: true });
        });
        document.addEventListener("fullscreenchange", () => {
            element(id).ariaPressed = String(document.fullscreenElement !== null);
        });
    }
}

/** Locking the keyboard, where the browser supports it, sends Esc, Alt+Tab and the like to the guest. */
async function toggleFullScreen() {
    if (document.fullscreenElement) {
        await document.exitFullscreen();
    } else {
        await document.documentElement.requestFullscreen();
        await navigator.keyboard?.lock?.().catch(() => {});
    }
}

/** Browsers may forbid a page to store anything. */
function stored() {
    try {
        const mode = localStorage.getItem(STORED_AS);
        return MODES.includes(mode) ? mode : "fit";
    } catch {
        return "fit";
    }
}

function store(mode) {
    try {
        localStorage.setItem(STORED_AS, mode);
    } catch {
        // without storage, the choice lasts as long as the page
    }
}
