/** What the viewer did: its pointer and keys. */

import { Kind } from "./entries.js";
import { actions, isKey, isText } from "./viewer.js";

export function follow(viewing, pointer, pressed) {
    viewing.addEventListener("jump", () => {
        pointer.hide();
        pressed.forget();
    });
    viewing.addEventListener("moment", () => {
        pointer.redraw();
        pressed.show(viewing.moment, viewing.isLive ? 1 : viewing.speed);
    });
    viewing.addEventListener("viewer", ({ detail }) => {
        for (const { kind, at, data } of detail) {
            if (kind === Kind.VIEWER) {
                act(actions(data), at, pointer, pressed);
            } else if (isKey(data)) {
                pressed.unknown(at);
            } else if (isText(data)) {
                pressed.pasted(at);
            }
        }
    });
}

function act(found, at, pointer, pressed) {
    for (const { pointer: place, key } of found) {
        if (place) {
            pointer.move(place);
        } else {
            pressed.key(key, at);
        }
    }
}
