/** The entries of which segments and live streams consist. */

/** What the bytes of an entry are. */
export const Kind = { SERVER: 0, VIEWER: 1, LEFT_OUT: 2, KEY_FRAME: 3, REACHED: 4, END: 5 };

/** @typedef {{kind: number, at: number, data: Uint8Array}} Entry - `at` in microseconds */

const HEAD = 13;

/**
 * Take bytes apart.
 * @param {Uint8Array} bytes
 * @returns {{entries: Entry[], rest: Uint8Array}} the rest is an entry that is not whole
 */
export function readEntries(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const entries = [];
    let start = 0;
    while (start + HEAD <= bytes.length) {
        const end = start + HEAD + view.getUint32(start + 9);
        if (end > bytes.length) {
            break;
        }
        const at = view.getUint32(start + 1) * 2 ** 32 + view.getUint32(start + 5);
        entries.push({ kind: view.getUint8(start), at, data: bytes.subarray(start + HEAD, end) });
        start = end;
    }
    return { entries, rest: bytes.subarray(start) };
}

/**
 * The entries of a stream, several at a time.
 * @param {ReadableStream<Uint8Array>} stream
 * @returns {AsyncGenerator<Entry[]>}
 */
export async function* entriesOf(stream) {
    const reader = stream.getReader();
    let parts = [];
    let missing = HEAD;
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
        parts.push(read.value);
        missing -= read.value.length;
        if (missing > 0) {
            continue; // a large entry is joined once, and not for each of its packets
        }
        const { entries, rest } = readEntries(join(parts));
        parts = [rest];
        missing = (rest.length < HEAD ? HEAD : HEAD + new DataView(rest.buffer, rest.byteOffset).getUint32(9)) - rest.length;
        if (entries.length) {
            yield entries;
        }
    }
}

/** @returns {Uint8Array} all parts in one */
export function join(parts) {
    if (parts.length === 1) {
        return parts[0];
    }
    const all = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
    let at = 0;
    for (const part of parts) {
        all.set(part, at);
        at += part.length;
    }
    return all;
}
