"""Image files written from their formats' specifications, byte for byte, to compare what Pillow makes of them."""

import struct
import zlib

import numpy as np

PNG_TYPES = {"L": 0, "RGB": 2, "P": 3, "LA": 4, "RGBA": 6}
TIFF_PHOTOMETRIC = {"L": 1, "F": 1, "I": 1, "RGB": 2, "P": 3, "CMYK": 5, "LAB": 8}


def png(path, samples, kind, bits, transparent=None, palette=None, exif=None):
    """Write a PNG of samples (height, width, channels) with so many `bits`, by the W3C's specification.

    `transparent` is the tRNS chunk: a value, a colour, or for a palette an alpha a colour; `exif`, the orientation,
    stands behind the pixels, as ExifTool writes it.
    """
    height, width, _ = samples.shape
    if bits == 16:
        rows = [row.astype(">u2").tobytes() for row in samples]
    elif bits == 8:
        rows = [row.astype("u1").tobytes() for row in samples]
    else:
        digits = [[f"{value:0{bits}b}" for value in row.ravel()] for row in samples]
        rows = [np.packbits(list(map(int, "".join(row)))).tobytes() for row in digits]
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, PNG_TYPES[kind], 0, 0, 0))]
    if palette is not None:
        chunks.append((b"PLTE", np.asarray(palette, "u1").tobytes()))
    if transparent is not None:
        chunks.append((b"tRNS", np.asarray(transparent, "u1" if kind == "P" else ">u2").tobytes()))
    chunks.append((b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))))
    if exif:
        chunks.append((b"eXIf", b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, exif, 0, 0)))
    chunks.append((b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    ))


def tiff(path, samples, kind, order="<", orientation=None, alpha=None, **tags):
    """Write a TIFF 6.0 of samples (height, width, channels), uncompressed, of the samples' own depth and type.

    `order` is the byte order, `alpha` 1 (premultiplied) or 2 for a last channel that is one; `tags` replace others.
    """
    samples = samples.astype(samples.dtype.newbyteorder(order))
    height, width, channels = samples.shape
    sample_format = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    values = {
        256: [width], 257: [height], 258: [8 * samples.dtype.itemsize] * channels, 259: [1],
        262: [TIFF_PHOTOMETRIC[kind]], 273: [0], 274: orientation and [orientation], 277: [channels], 278: [height],
        279: [samples.nbytes], 338: alpha and [alpha], 339: [sample_format] * channels,
    }
    values |= {int(number[1:]): value for number, value in tags.items()}
    values = {number: value for number, value in sorted(values.items()) if value}
    after = 8 + 2 + 12 * len(values) + 4
    entries, extra = b"", b""
    for number, value in values.items():
        long = number in (273, 279)
        body = struct.pack(f"{order}{len(value)}{'I' if long else 'H'}", *value)
        if number == 273:
            entries += struct.pack(f"{order}HHI", number, 4, 1) + b"DATA"
        elif len(body) <= 4:
            entries += struct.pack(f"{order}HHI", number, 4 if long else 3, len(value)) + body.ljust(4, b"\0")
        else:
            entries += struct.pack(f"{order}HHII", number, 3, len(value), after + len(extra))
            extra += body
    entries = entries.replace(b"DATA", struct.pack(f"{order}I", after + len(extra)))
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HIH", 42, 8, len(values))
    path.write_bytes(head + entries + bytes(4) + extra + samples.tobytes())
