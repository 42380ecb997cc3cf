/** Keeps the last picture, and the place to which it is scrolled, while the console moves. */

import { element } from "../page/dom.js";

/** Milliseconds after which the new console has drawn its picture, under which the old one lies. */
const DRAWN_AFTER = 2_000;

export function attach(connection) {
    let picture = null;
    let place = { left: 0, top: 0 };
    const remove = () => {
        picture?.remove();
        picture = null;
    };
    connection.addEventListener("leaving", () => {
        const frame = element("screen").firstElementChild;
        place = { left: frame.scrollLeft, top: frame.scrollTop };
        remove();
        picture = copy(element("screen"));
    });
    connection.addEventListener("change", () => {
        if (!connection.onTheMove) {
            remove();
        } else if (connection.live) {
            element("screen").firstElementChild.scrollTo(place);
            setTimeout(remove, DRAWN_AFTER);
        }
    });
}

/** Put a copy of the screen's canvas where it is, behind all that will be drawn. */
function copy(screen) {
    const canvas = screen.querySelector("canvas");
    const picture = canvas.cloneNode();
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const stage = screen.getBoundingClientRect();
    picture.id = "still";
    picture.removeAttribute("tabindex");
    picture.ariaHidden = "true";
    picture.style = "";
    Object.assign(picture.style, {
        left: `${left - stage.left}px`,
        top: `${top - stage.top}px`,
        width: `${width}px`,
        height: `${height}px`,
    });
    if (canvas.width && canvas.height) {
        picture.getContext("2d").drawImage(canvas, 0, 0);
    }
    screen.before(picture);
    return picture;
}
