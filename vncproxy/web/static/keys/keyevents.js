/** Events of the keyboard, for another element than the one that got them. */

/** The same key as a new event: one event can be dispatched once. */
export function again(event, type) {
    const { key, code, location, ctrlKey, shiftKey, altKey, metaKey } = event;
    const locks = ["AltGraph", "CapsLock", "NumLock", "ScrollLock"].map((name) => [
        `modifier${name}`,
        event.getModifierState(name),
    ]);
    return new KeyboardEvent(type, {
        key, code, location, ctrlKey, shiftKey, altKey, metaKey,
        ...Object.fromEntries(locks),
        bubbles: true,
        cancelable: true,
    });
}
