"""Image files of every mode, depth, alpha, orientation and format, beside values computed from what was written."""

import os
import tracemalloc
import warnings
from functools import partial

import numpy as np
import pytest
from image_files import png, tiff
from PIL import Image, features
from PIL.PngImagePlugin import PngInfo

from zoo import ZooError, ZooWarning
from zoo.data.images import is_blank, read_head, read_image, suffixes

random = np.random.default_rng(0)
HALF, HIGH_BYTE = 0.51, 1.01  # levels of 255: rounding, and Pillow's, which drops the low byte of 16-bit colour


def samples(white, channels, dtype=None, height=4, width=6):
    """Random samples of 0 to white, both ends among them."""
    if np.dtype(dtype or int).kind == "f":
        values = random.random((height, width, channels)) * white
    else:
        values = random.integers(0, white + 1, (height, width, channels))
    values[0, 0], values[-1, -1] = 0, white
    return values.astype(dtype or int)


def on_white(colour, alpha):
    """Shares of colour and alpha, 0..1, composited on white, as levels of 255."""
    return 255 * (colour * alpha + 1 - alpha)


def read(path):
    """Read an image file, and check that its head told the shape."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZooWarning)
        image = read_image(path)
    head = read_head(path)
    assert image.dtype == np.uint8 and image.shape == (head.height, head.width, head.channels)
    return image.astype(float)


# ------------------------------------------------------------------------------------- PNG: mode x depth x alpha

PNGS = [("L", bits) for bits in (1, 2, 4, 8, 16)] + [(kind, bits) for kind in ("RGB", "LA", "RGBA") for bits in (8, 16)]


@pytest.mark.parametrize("kind, bits", PNGS)
def test_a_png_of_any_depth(tmp_path, kind, bits):
    values, white = samples(2**bits - 1, len(kind)), 2**bits - 1
    png(tmp_path / "a.png", values, kind, bits)
    shares = values / white
    colour, alpha = (shares, 1) if kind in ("L", "RGB") else (shares[..., :-1], shares[..., -1:])
    tolerance = HALF + (HIGH_BYTE if bits == 16 and kind != "L" else 0)
    assert abs(read(tmp_path / "a.png") - on_white(colour, alpha)).max() <= tolerance


@pytest.mark.parametrize("kind, bits", [("L", 1), ("L", 2), ("L", 4), ("L", 8), ("L", 16), ("RGB", 8), ("RGB", 16)])
def test_the_transparent_colour_of_a_png_is_white(tmp_path, kind, bits):
    white = 2**bits - 1
    values = samples(white, len(kind))
    key = values[-1, -1] if bits == 1 else values[1, 2]
    png(tmp_path / "a.png", values, kind, bits, transparent=key)
    expected = np.where((values == key).all(-1, keepdims=True), 255, values / white * 255)
    assert abs(read(tmp_path / "a.png") - expected).max() <= (HIGH_BYTE if kind == "RGB" and bits == 16 else HALF)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("alphas", ["none", "one colour", "each its own"])
def test_a_palette(tmp_path, bits, alphas):
    count = min(2**bits, 20)
    palette, values = random.integers(0, 250, (count, 3)), samples(count - 1, 1)
    given = {"none": None, "one colour": [0, *[255] * (count - 1)], "each its own": random.integers(9, 256, count)}
    png(tmp_path / "a.png", values, "P", bits, given[alphas], palette)
    alpha = (np.full(count, 255) if alphas == "none" else np.asarray(given[alphas]))[values] / 255
    assert abs(read(tmp_path / "a.png") - on_white(palette[values[..., 0]] / 255, alpha)).max() <= HALF


# -------------------------------------------------------------------------- TIFF: mode x depth x alpha x byte order

GREYS = [("u1", 255), ("u2", 65535), ("i2", 32767), ("u4", 255), ("u4", 65535), ("i4", 255), ("i4", 65535), ("f4", 1),
         ("f4", 255)]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype, white", GREYS)
def test_grey_of_any_type(tmp_path, dtype, white, order):
    values = samples(white, 1, dtype)
    tiff(tmp_path / "a.tif", values, "L", order)
    if (dtype, order) == ("u4", ">"):
        with pytest.raises(ZooError, match="cannot identify image file"):
            read(tmp_path / "a.tif")
        return
    expected = values.astype(float) / max(white, 65535 if dtype == "i2" else 0) * 255
    assert abs(read(tmp_path / "a.tif") - expected).max() <= HALF


@pytest.mark.parametrize("order, dtype, white", [("<", "u1", 255), (">", "u1", 255), ("<", "u2", 65535), ("<", "f4", 1),
                                                 (">", "f4", 1)])
def test_grey_in_which_0_is_white(tmp_path, order, dtype, white):
    values = samples(white, 1, dtype)
    tiff(tmp_path / "a.tif", values, "L", order, t262=[0])
    assert abs(read(tmp_path / "a.tif") - 255 * (1 - values.astype(float) / white)).max() <= HALF


def test_grey_of_12_bits(tmp_path):
    values = samples(4095, 1)
    digits = "".join(f"{value:012b}" for value in values.ravel())
    packed = np.packbits(list(map(int, digits))).reshape(4, 9, 1)
    tiff(tmp_path / "a.tif", packed, "L", t256=[6], t258=[12])
    assert abs(read(tmp_path / "a.tif") - values / 4095 * 255).max() <= HALF


@pytest.mark.parametrize("kind", ["L", "RGB"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("premultiplied", [True, False])
def test_alpha_in_a_tiff(tmp_path, kind, dtype, premultiplied):
    white = np.iinfo(dtype).max
    values = samples(white, len(kind) + 1, dtype)
    if premultiplied:
        values[..., :-1] = values[..., :-1] * (values[..., -1:] / white)
    tiff(tmp_path / "a.tif", values, kind, alpha=1 if premultiplied else 2)
    colour, alpha = values[..., :-1] / white, values[..., -1:] / white
    expected = 255 * (colour + 1 - alpha) if premultiplied else on_white(colour, alpha)
    if (kind, dtype) == ("L", "u2"):
        with pytest.raises(ZooError, match="cannot identify image file"):
            read(tmp_path / "a.tif")
        return
    tolerance = HALF + HIGH_BYTE * (dtype == "u2") + premultiplied  # Pillow divides by alpha and rounds
    assert abs(read(tmp_path / "a.tif") - expected).max() <= tolerance


def test_a_palette_with_an_alpha_channel(tmp_path):
    palette, values = random.integers(0, 250, (256, 3)), samples(255, 2, "u1")
    tiff(tmp_path / "a.tif", values, "P", alpha=2, t320=(palette.T.ravel() * 257).tolist())
    assert Image.open(tmp_path / "a.tif").mode == "PA"
    expected = on_white(palette[values[..., 0]] / 255, values[..., 1:] / 255)
    assert abs(read(tmp_path / "a.tif") - expected).max() <= HALF


def test_cmyk(tmp_path):
    values = samples(255, 4, "u1")
    tiff(tmp_path / "a.tif", values, "CMYK")
    shares = 1 - values / 255
    assert abs(read(tmp_path / "a.tif") - 255 * shares[..., :3] * shares[..., 3:]).max() <= 1


def test_lab(tmp_path):
    """CIE's formulas, for the white of D50, and sRGB's matrix for it."""
    lab = np.array([[[0, 0, 0], [50, 0, 0], [100, 0, 0]], [[60, 20, -10], [40, -15, 20], [70, 10, 30]]], float)
    tiff(tmp_path / "a.tif", np.round(lab * [2.55, 1, 1]).astype("i1").view("u1"), "LAB")
    lightness = (lab[..., 0] + 16) / 116
    f = np.stack([lightness + lab[..., 1] / 500, lightness, lightness - lab[..., 2] / 200], -1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * [0.9642, 1, 0.8249]
    matrix = np.array([[3.1339, -1.6169, -0.4906], [-0.9788, 1.9161, 0.0335], [0.0719, -0.2290, 1.4052]])
    linear = (xyz @ matrix.T).clip(0, 1)
    expected = 255 * np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    assert abs(read(tmp_path / "a.tif") - expected).max() <= 2


# --------------------------------------------------------------------------------------------------- other formats

MODES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


@pytest.mark.parametrize(
    "suffix, modes, options",
    [
        ("bmp", ("L", "RGB"), {}), ("tga", ("L", "LA", "RGB", "RGBA"), {}), ("pgm", ("L",), {}), ("ppm", ("RGB",), {}),
        ("jp2", ("L", "LA", "RGB", "RGBA"), {}), ("webp", ("RGB", "RGBA"), {"lossless": True, "exact": True}),
        ("qoi", ("RGB", "RGBA"), {}), ("sgi", ("L", "RGB"), {}), ("pcx", ("L", "RGB"), {}),
        ("dds", ("RGB", "RGBA"), {}), ("im", ("L", "RGB"), {}), ("PNG", ("L", "LA", "RGB", "RGBA"), {}),
        ("TIFF", ("L", "RGB"), {"compression": "tiff_lzw"}), ("tif", ("RGBA",), {"compression": "tiff_adobe_deflate"}),
    ],
)
def test_a_lossless_format(tmp_path, suffix, modes, options):
    for mode in modes:
        values = samples(255, MODES[mode])
        path = tmp_path / f"{mode}.{suffix}"
        Image.fromarray(values.squeeze().astype("u1"), mode=mode).save(path, **options)
        colour, alpha = (values, 1) if mode in ("L", "RGB") else (values[..., :-1], values[..., -1:] / 255)
        assert path.suffix.lower() in suffixes()
        assert abs(read(path) - on_white(colour / 255, alpha)).max() <= HALF, mode


@pytest.mark.parametrize(
    "suffix, mode, options",
    [("jpg", "RGB", {}), ("jfif", "L", {}), ("jpe", "CMYK", {}), ("webp", "RGB", {}), ("avif", "RGB", {}),
     ("avif", "RGBA", {})],
)
def test_a_lossy_format(tmp_path, suffix, mode, options):
    """Of one colour, which each keeps to a few levels: CMYK of an Adobe JPEG is stored inverted, YCbCr isn't RGB."""
    if suffix in ("webp", "avif") and not features.check(suffix):
        pytest.skip(f"Pillow lacks {suffix}")
    value = {"L": (90,), "RGB": (200, 40, 90), "CMYK": (30, 200, 90, 40), "RGBA": (200, 40, 90, 128)}[mode]
    kind = {"jfif": "JPEG", "jpe": "JPEG"}.get(suffix)
    Image.new(mode, (32, 32), value if len(value) > 1 else value[0]).save(tmp_path / f"a.{suffix}", kind, quality=95)
    seen = np.array(value, float) / 255
    if mode == "CMYK":
        seen = (1 - seen[:3]) * (1 - seen[3])
    expected = on_white(seen[:3], seen[3]) if mode == "RGBA" else 255 * seen
    assert abs(read(tmp_path / f"a.{suffix}") - expected).max() <= 4 and f".{suffix}" in suffixes()


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("channels, white", [(1, 1), (1, 255), (1, 100), (1, 1023), (1, 65535), (3, 255), (3, 1023)])
def test_a_portable_map(tmp_path, channels, white, plain):
    """By their own numbers: P1 to P6, in which a greatest value says what white is, and P1's and P4's 1 is black."""
    values = samples(white, channels)
    number = {1: 1, 3: 3}[channels] + (channels == 1 and white > 1) + (0 if plain else 3)
    head = f"P{number}\n6 4\n" + (f"{white}\n" if white > 1 else "")
    if plain:
        body = " ".join(map(str, values.ravel())).encode()
    elif white == 1:
        body = np.packbits(values[..., 0], axis=1).tobytes()
    else:
        body = values.astype(">u2" if white > 255 else "u1").tobytes()
    (tmp_path / "a.pnm").write_bytes(head.encode() + body)
    share = 1 - values if white == 1 else values / white
    assert abs(read(tmp_path / "a.pnm") - 255 * share).max() <= HALF


@pytest.mark.parametrize("order", "<>")
def test_a_portable_float_map_stands_on_its_head(tmp_path, order):
    values = samples(1, 1, "f4")
    scale = -1.0 if order == "<" else 1.0
    (tmp_path / "a.pfm").write_bytes(f"Pf\n6 4\n{scale}\n".encode() + values[::-1].astype(f"{order}f4").tobytes())
    assert abs(read(tmp_path / "a.pfm") - 255 * values).max() <= HALF


@pytest.mark.parametrize("suffix, options", [("gif", {}), ("tif", {}), ("png", {}), ("webp", {"lossless": True})])
def test_the_first_of_several_pictures_is_taken(tmp_path, suffix, options):
    first, second = Image.new("RGB", (6, 4), (255, 0, 0)), Image.new("RGB", (6, 4), (0, 0, 255))
    first.save(tmp_path / f"a.{suffix}", save_all=True, append_images=[second], **options)
    assert (read(tmp_path / f"a.{suffix}") == (255, 0, 0)).all() and read_head(tmp_path / f"a.{suffix}").has_more
    first.save(tmp_path / f"b.{suffix}", **options)
    assert not read_head(tmp_path / f"b.{suffix}").has_more


def test_the_transparent_index_of_a_gif_is_white(tmp_path):
    image = Image.new("P", (6, 4), 1)
    image.putpalette([0, 0, 0, 200, 10, 30])
    image.putpixel((2, 1), 0)
    image.save(tmp_path / "a.gif", transparency=1)
    expected = np.full((4, 6, 3), 255)
    expected[1, 2] = 0
    assert (read(tmp_path / "a.gif") == expected).all()


# ----------------------------------------------------------------------------------------------------- orientation

# What EXIF calls where row 0 and column 0 of the stored pixels are: how to turn them upright.
UPRIGHT = {
    1: lambda x: x, 2: lambda x: x[:, ::-1], 3: lambda x: x[::-1, ::-1], 4: lambda x: x[::-1],
    5: lambda x: x.transpose(1, 0, 2), 6: lambda x: np.rot90(x, -1), 7: lambda x: np.rot90(x, 2).transpose(1, 0, 2),
    8: np.rot90,
}


def saved_with_exif(path, values, orientation, **options):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(values.astype("u1")).save(path, exif=exif, **options)


WRITERS = {
    "png": lambda path, values, turned: png(path, values, "RGB", 8, exif=turned),
    "PNG": saved_with_exif,  # before the pixels
    "tif": lambda path, values, turned: tiff(path, values.astype("u1"), "RGB", orientation=turned),
    "TIF": lambda path, values, turned: tiff(path, values.astype("u1"), "RGB", ">", turned),
    "webp": partial(saved_with_exif, lossless=True),
    "jpg": partial(saved_with_exif, quality=100, subsampling=0),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", WRITERS)
def test_a_photograph_is_turned_upright(tmp_path, suffix, orientation):
    """A TIFF's size is upright already where Pillow opens it; a PNG's EXIF may stand behind its pixels."""
    values = np.kron(samples(255, 3, height=2, width=3), np.ones((8, 8, 1), int))  # blocks, which JPEG keeps
    path = tmp_path / f"a.{suffix}"
    WRITERS[suffix](path, values, orientation)
    assert abs(read(path) - UPRIGHT[orientation](values)).max() <= (6 if suffix == "jpg" else 0)


def test_an_orientation_that_there_is_not_is_none(tmp_path):
    values = samples(255, 3)
    saved_with_exif(tmp_path / "a.png", values, 9)
    assert (read(tmp_path / "a.png") == values).all()


def test_xmp_tells_the_orientation_too(tmp_path):
    values = samples(255, 3)
    about = PngInfo()
    about.add_itxt("XML:com.adobe.xmp", '<rdf:Description tiff:Orientation="6"/>')
    Image.fromarray(values.astype("u1")).save(tmp_path / "a.png", pnginfo=about)
    assert (read(tmp_path / "a.png") == UPRIGHT[6](values)).all()


def test_what_follows_the_pixels_of_a_png_is_not_read_for_its_orientation(tmp_path):
    png(tmp_path / "a.png", samples(255, 3), "RGB", 8)
    with open(tmp_path / "a.png", "r+b") as file:
        file.seek(-12, os.SEEK_END)
        file.write((1 << 26).to_bytes(4, "big") + b"juNK")
        file.truncate(file.tell() + (1 << 26) + 4)
    read_head(tmp_path / "a.png")
    tracemalloc.start()
    read_head(tmp_path / "a.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize(
    "kind, dtype, white", [("L", "u1", 255), ("L", "u2", 65535), ("L", "f4", 1), ("CMYK", "u1", 255)]
)
@pytest.mark.parametrize("orientation", [3, 5, 6])
def test_a_tiff_of_any_mode_is_turned_upright(tmp_path, kind, dtype, white, orientation):
    """Pillow maps some of these into memory, with rows of the wrong length."""
    values = samples(white, len(kind), dtype)
    tiff(tmp_path / "a.tif", values, kind, orientation=orientation)
    grey = 1 - values.astype(float) / white
    seen = 1 - grey if kind == "L" else grey[..., :3] * grey[..., 3:]
    assert abs(read(tmp_path / "a.tif") - UPRIGHT[orientation](seen) * 255).max() <= (HALF if kind == "L" else 1)


@pytest.mark.parametrize("mode", ["L", "RGBA", "I;16"])
def test_a_compressed_tiff_is_turned_upright(tmp_path, mode):
    values = samples(65535 if mode == "I;16" else 255, MODES.get(mode, 1))
    image = Image.fromarray(values.squeeze().astype("u2" if mode == "I;16" else "u1"))
    image.save(tmp_path / "a.tif", compression="tiff_lzw", tiffinfo={0x0112: 8})
    seen = on_white(values[..., :3] / 255, values[..., 3:] / 255) if mode == "RGBA" else values / values.max() * 255
    assert abs(read(tmp_path / "a.tif") - np.rot90(seen)).max() <= HALF


# ------------------------------------------------------------------------------------------------ what white is, asked


def read_floats(tmp_path, values, white=None, dtype="f4"):
    tiff(tmp_path / "a.tif", np.asarray(values, dtype).reshape(1, -1, 1), "L")
    return read_image(tmp_path / "a.tif", white=white).ravel().tolist()


@pytest.mark.parametrize(
    "values, dtype, white, seen",
    [
        ([0, 0.5, 1], "f4", 1, [0, 128, 255]),
        ([-0.001, 0.5, 1.0000001], "f4", 1, [0, 128, 255]),
        ([0, 0.1], "f4", 1, [0, 26]),
        ([0, 0], "f4", 1, [0, 0]),
        ([0, 1], "i4", 1, [0, 255]),
        ([0, 0.7, 255], "f4", 255, [0, 1, 255]),
        ([0, 100], "i4", 255, [0, 100]),
        ([0, 257, 40000], "i4", 65535, [0, 1, 156]),
    ],
)
def test_white_of_one_file_alone_is_told(tmp_path, values, dtype, white, seen):
    with pytest.warns(ZooWarning, match=f"a.tif holds floats or 32-bit integers.* 0 is taken as black and {white} as"):
        assert read_floats(tmp_path, values, dtype=dtype) == seen


def test_white_that_is_known_decides_for_a_dark_image(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_floats(tmp_path, [0, 200], 65535, "i4") == [0, 1]
        assert read_floats(tmp_path, [0, 0.9], 255) == [0, 1]


@pytest.mark.parametrize(
    "values, white, sentence",
    [
        ([0, 30], None, "from 0 to 30, fit neither 0 to 1 nor 0 to 255 nor 0 to 65535; save them with 8 or 16 bits."),
        ([0, 4095], None, "from 0 to 4095, fit neither"),
        ([0, 1.2], None, "from 0 to 1.2, fit neither"),
        ([0, 1e6], None, "from 0 to 1e\\+06, fit neither"),
        ([-1, 1], None, "from -1 to 1, fit neither"),
        ([0, float("nan")], None, "a.tif holds pixels that are no finite numbers \\(NaN or infinity\\)."),
        ([0, float("inf")], 255, "no finite numbers"),
        ([0, 255], 1, "a.tif has pixels from 0 to 255, but in the images of the training 0 is black and 1 is white."),
        ([-300, 0], 255, "pixels from -300 to 0, but in the images of the training"),
    ],
)
def test_pixels_that_fit_no_range_are_refused(tmp_path, values, white, sentence):
    with pytest.raises(ZooError, match=sentence):
        read_floats(tmp_path, values, white)


# ----------------------------------------------------------------------------------------------- on white, and broken


def test_ink_in_the_alpha_channel_is_seen(tmp_path):
    alpha = samples(255, 1)
    for mode, zeros in (("LA", 1), ("RGBA", 3)):
        drawn = np.concatenate([np.zeros((4, 6, zeros)), alpha], -1).astype("u1")
        Image.fromarray(drawn, mode=mode).save(tmp_path / "a.png")
        assert (read(tmp_path / "a.png") == 255 - alpha).all()


WHITE, BLACK, CLEAR = (255, 255, 255, 255), (0, 0, 0, 255), (255, 255, 255, 0)


@pytest.mark.parametrize(
    "mode, pixels, blank",
    [
        ("RGBA", (WHITE, CLEAR), True),
        ("RGBA", (WHITE, (0, 0, 0, 0)), True),
        ("RGBA", (WHITE, BLACK, CLEAR), False),
        ("RGBA", (CLEAR, CLEAR), True),
        ("RGBA", ((0, 0, 0, 0), (0, 0, 0, 0)), True),
        ("RGBA", (WHITE, WHITE), False),
        ("LA", ((255, 255), (255, 0)), True),
        ("LA", ((254, 255), (255, 0)), True),  # which no eye tells from white
        ("LA", ((200, 255), (255, 0)), False),
        ("LA", ((0, 0), (90, 0)), True),  # transparent throughout, and something beneath
        ("LA", ((0, 1), (90, 0)), True),
        ("LA", ((0, 0), (90, 255)), False),
        ("RGBA", ((9, 9, 9, 0), (9, 90, 9, 0)), True),
        ("RGBA", ((9, 9, 9, 1), (9, 90, 9, 1)), True),
        ("RGBA", ((9, 9, 9, 5), (9, 90, 9, 5)), True),
        ("RGBA", ((9, 9, 9, 90), (9, 90, 9, 90)), False),
        ("RGBA", ((254, 255, 255, 255), WHITE), False),  # nothing is hidden
        ("RGB", (WHITE[:3], WHITE[:3]), False),
    ],
)
def test_an_image_is_blank_if_white_ink_is_lost_on_white(tmp_path, mode, pixels, blank):
    Image.fromarray(np.array([pixels], "u1"), mode=mode).save(tmp_path / "a.png")
    assert is_blank(tmp_path / "a.png") == blank
    assert read_head(tmp_path / "a.png").has_alpha == mode.endswith("A")


@pytest.mark.parametrize("kind, bits", [("L", 1), ("L", 2), ("L", 8), ("L", 16), ("RGB", 8), ("RGB", 16), ("P", 1)])
def test_white_beside_a_transparent_colour_is_blank(tmp_path, kind, bits):
    values = np.full((2, 3, len(kind)), 2**bits - 1)
    values[0, 0] = 0
    transparent, palette = ([0], [(9, 9, 9), (255, 255, 255)]) if kind == "P" else ([0] * len(kind), None)
    png(tmp_path / "a.png", values, kind, bits, transparent, palette)
    assert is_blank(tmp_path / "a.png") and read_head(tmp_path / "a.png").has_alpha
    png(tmp_path / "a.png", values, kind, bits, palette=palette)
    assert not is_blank(tmp_path / "a.png")


BROKEN = ["png", "jpg", "bmp", "gif", "webp", "tif", "ppm", "tga", "jp2", "qoi"]


@pytest.mark.parametrize("suffix", BROKEN)
def test_a_broken_file_is_named(tmp_path, suffix):
    whole = tmp_path / f"whole.{suffix}"
    Image.fromarray(samples(255, 3, "u1", 40, 50)).save(whole)
    content = whole.read_bytes()
    for name, part, reason in (("empty", b"", "it is empty"), ("head", content[:10], ""), ("cut", content[:-900], "")):
        path = tmp_path / f"{name}.{suffix}"
        path.write_bytes(part)
        with pytest.raises(ZooError, match=f"{path} can't be read as an image \\({reason}.*\\); mend or remove it"):
            read_image(path)


def test_flipped_bytes_never_end_in_anothers_error(tmp_path):
    for suffix in BROKEN:
        Image.fromarray(samples(255, 3, "u1", 40, 50)).save(tmp_path / f"a.{suffix}")
        content = bytearray((tmp_path / f"a.{suffix}").read_bytes())
        for _ in range(30):
            flipped = bytearray(content)
            for place in random.integers(0, min(len(content), 400), 3):
                flipped[place] = random.integers(256)
            (tmp_path / f"b.{suffix}").write_bytes(flipped)
            for reader in (read_head, read_image):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    try:
                        reader(tmp_path / f"b.{suffix}")
                    except ZooError:
                        pass


def test_what_is_no_file_is_told(tmp_path):
    with pytest.raises(ZooError, match="There is no image file '.*a.png'"):
        read_image(tmp_path / "a.png")
    with pytest.raises(ZooError, match="can't be read as an image \\(Is a directory\\)"):
        read_image(tmp_path)
    (tmp_path / "a.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    with pytest.raises(ZooError, match="can't be read as an image \\(it is a pointer of Git LFS, which fetches"):
        read_image(tmp_path / "a.png")
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(ZooError, match="can't be read as an image \\(cannot identify image file\\)"):
        read_image(tmp_path / "a.png")


def test_a_name_that_is_not_utf_8_can_be_read_and_said(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
    Image.new("L", (3, 2), 7).save(path)
    assert (read_image(path) == 7).all()
    open(path, "wb").close()
    with pytest.raises(ZooError) as problem:
        read_image(path)
    assert r"caf\xe9.png can't be read" in str(problem.value).encode().decode()


def test_files_that_are_no_pictures_are_not_taken():
    assert {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm",
            ".pnm", ".jp2", ".tga", ".mpo"} <= suffixes()
    assert not {".pdf", ".eps", ".ps", ".h5", ".mpg", ".wmf", ".fits", ".txt", ".npy"} & suffixes()
