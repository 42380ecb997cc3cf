/**
 * A page in a frame: tells the page around it what happens, and looks as its link says.
 *
 * Messages are objects of `source: "vncproxy"` and `event`. They have no secret, and the gateway
 * decides which pages may have this one in a frame, so they are for any origin.
 */

import { element } from "./dom.js";
import { useColours } from "./colours.js";

const SOURCE = "vncproxy";

export function attach(connection, link) {
    useColours(link);
    document.documentElement.toggleAttribute("data-compact", link.compact);
    if (link.compact) {
        noteBadges();
    }
    if (parent === window) {
        return;
    }
    let told = "";
    connection.addEventListener("change", () => {
        const message = describe(connection);
        if (message.event !== told || message.event === "waiting") {
            told = message.event;
            tell(message);
        }
    });
    connection.addEventListener("screen", () => tellSizes(connection.rfb));
}

/** What happens, by the state of the connection; a console that moves stays connected. */
function describe({ state: { name, closeReason }, onTheMove }) {
    if (onTheMove && name !== "ended") {
        return { event: "connected" };
    }
    const { code, headline, reason } = closeReason ?? {};
    return name === "ended" || name === "waiting" ? { event: name, code, headline, reason } : { event: name };
}

/** Tell the size of the guest's screen, at first and when it changes. */
function tellSizes(rfb) {
    let last = "";
    const look = () => {
        const canvas = element("screen").querySelector("canvas");
        const size = canvas && `${canvas.width} ${canvas.height}`;
        if (canvas?.width && size !== last) {
            last = size;
            tell({ event: "resized", width: canvas.width, height: canvas.height });
        }
    };
    rfb.addEventListener("connect", () => {
        look();
        const canvas = element("screen").querySelector("canvas");
        new MutationObserver(look).observe(canvas, { attributeFilter: ["width", "height"] });
    });
}

function tell(message) {
    parent.postMessage({ source: SOURCE, ...message }, "*");
}

/** What the badges of the hidden toolbar say has to be seen. */
function noteBadges() {
    const badges = [...document.querySelectorAll("#who .badge")];
    const show = () => {
        const texts = badges.map((badge) => badge.textContent).filter(Boolean);
        element("handle-note").textContent = texts.join(" · ");
    };
    const observer = new MutationObserver(show);
    badges.forEach((badge) => observer.observe(badge, { childList: true, characterData: true, subtree: true }));
    show();
}
