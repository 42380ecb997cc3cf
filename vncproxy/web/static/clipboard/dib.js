/** Pictures of the extended clipboard: bitmaps without the header of a file, which browsers decode. */

const DIB = 1 << 3;
/** Bytes of a bitmap, decompressed: 4096 × 4096 pixels of 4 bytes. */
const MOST = 64 << 20;
const FILE_HEADER = 14;
const BITFIELDS = 3;

/**
 * @param {{formats: number, data: Uint8Array}} provided - by the guest: data is a zlib stream
 * @returns {Promise<{blob: Blob, width: number, height: number}>} a PNG; fails for what is no picture
 */
export async function pictureOf({ formats, data }) {
    const bitmap = await createImageBitmap(new Blob(asFile(dibOf(await inflate(data), formats)), { type: "image/bmp" }));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    return { blob: await canvas.convertToBlob({ type: "image/png" }), width: canvas.width, height: canvas.height };
}

/** A stream that would become larger than any picture is not read to its end. */
async function inflate(data) {
    const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate"));
    const pieces = [];
    let size = 0;
    for (const reader = stream.getReader(); ; ) {
        const { done, value } = await reader.read();
        if (done) {
            return new Uint8Array(await new Blob(pieces).arrayBuffer());
        }
        pieces.push(value);
        size += value.length;
        if (size > MOST) {
            await reader.cancel();
            throw new RangeError("a picture that is too large");
        }
    }
}

/** Each format has its size before it; they stand in the order of their bits. */
function dibOf(bytes, formats) {
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (let format = 1; format < DIB; format <<= 1) {
        at += formats & format ? 4 + view.getUint32(at) : 0;
    }
    return bytes.subarray(at + 4, at + 4 + view.getUint32(at));
}

/** The header of a file says where the pixels begin: behind header, masks and palette. */
function asFile(dib) {
    const info = new DataView(dib.buffer, dib.byteOffset, dib.byteLength);
    const [size, depth, compression] = [info.getUint32(0, true), info.getUint16(14, true), info.getUint32(16, true)];
    const masks = size === 40 && compression === BITFIELDS ? 12 : 0;
    const colours = info.getUint32(32, true) || (depth <= 8 ? 1 << depth : 0);
    const header = new DataView(new ArrayBuffer(FILE_HEADER));
    header.setUint16(0, 0x424d);
    header.setUint32(2, FILE_HEADER + dib.byteLength, true);
    header.setUint32(10, FILE_HEADER + size + masks + 4 * colours, true);
    return [header, dib];
}
