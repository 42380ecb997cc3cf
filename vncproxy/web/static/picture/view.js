/** How the guest's screen is shown: scaling, panning, full screen; it is saved as a picture. */

import { element, onClick } from "../page/dom.js";
import { savePicture } from "./picture.js";
import { recall, remember } from "../page/remembered.js";

const NAME = "scaling";
/** noVNC's values of `resize` in a link, and the page's modes. */
const FROM_LINK = { scale: "fit", off: "actual", remote: "resize" };
const MODES = ["fit", "actual", "resize"];

export function attach(connection, link) {
    const choices = document.querySelectorAll("[name=scaling]");
    let mode;
    const choose = (chosen) => {
        mode = chosen;
        choices.forEach((choice) => {
            choice.checked = choice.value === mode;
        });
        document.body.dataset.scaling = mode;
        scale(connection.rfb, mode);
    };
    choose(FROM_LINK[link.resize] ?? known(recall(NAME)));
    choices.forEach((choice) => {
        choice.addEventListener("change", () => {
            remember(NAME, choice.value, connection.machine);
            choose(choice.value);
        });
    });
    connection.addEventListener("known", () => {
        if (!(link.resize in FROM_LINK)) {
            choose(known(recall(NAME, connection.machine)));
        }
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
    onClick("save-picture", () => {
        element("view-menu").hidePopover();
        savePicture(connection.live, element("name").textContent);
        connection.live?.focus({ preventScroll: true });
    });
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

const known = (mode) => (MODES.includes(mode) ? mode : "fit");
