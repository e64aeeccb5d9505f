"""Keras-style .npz files as people have them: each is read right, told about, or refused in one sentence."""

import numpy as np
import pytest

from zoo import ZooError, data

N = 40
NOTHING = ()
COUNTED = "The labels of set.npz count its classes from 0: {} is the class '{}'."
GAPS = "The labels of set.npz leave numbers out: the classes are those that occur, "
ROWS = "needs one 1 and else 0 in each row of one-hot labels; row "
OBJECTS = "which aren't read: store one array of numbers there or, for names, np.array(names, str)."
TO_1, TO_255 = "are taken as 0 (black) to 1 (white).", "are taken as 0 (black) to 255 (white)."
OTHER = "which is another scale: store them as uint8 from 0 to 255 in all splits."


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


BYTES, LABELS = noise(N, 4, 5, 3), np.arange(N) % 3
BYTES[0, 0, 0] = 0, 1, 255
UNIT, INK = BYTES / 255, BYTES > 127
NAMES = np.array(["cat", "dog", "owl"])
ONE_HOT = np.eye(3)[LABELS]


def changed(array, *places_and_values):
    array = array.copy()
    for place, value in places_and_values:
        array[place] = value
    return array


def saved(folder, **arrays):
    np.savez(folder / "set.npz", **arrays)
    return folder / "set.npz"


def pixels(folder, train, test=None):
    test = train if test is None else test
    return data.load(
        saved(folder, x_train=train, y_train=LABELS, x_test=test, y_test=LABELS, x_val=train, y_val=LABELS)
    )


def labelled(folder, train, test=None, **more):
    test = train if test is None else test
    return data.load(
        saved(folder, x_train=BYTES, y_train=train, x_test=BYTES, y_test=test, x_val=BYTES, y_val=train, **more)
    )


def refusal(load, *arguments, **more):
    with pytest.raises(ZooError) as problem:
        load(*arguments, **more)
    return str(problem.value)


def test_a_keras_style_npz(tmp_path):
    x, y = noise(20, 4, 5), np.arange(20) % 3
    made = data.load(saved(tmp_path, x_train=x, y_train=y[:, None], x_test=x[:6], y_test=np.eye(3)[y[:6]]))
    assert (made.name, made.class_names, made.image_shape) == ("set", ("0", "1", "2"), (4, 5, 1))
    assert len(made.test) == 6 and made.test.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert made.train.images.dtype == np.uint8 and made.train.labels.dtype == np.int32


def test_names_and_validation(tmp_path):
    x, y = noise(9, 4, 5, 3), np.arange(9) % 3
    made = data.load(saved(tmp_path, x_train=x, y_train=y, x_val=x, y_val=y, x_test=x, y_test=y, classes=list("xyz")))
    assert made.class_names == tuple("xyz") and made.notes == ()


# ------------------------------------------------------------------------------------------------------- pixels


@pytest.mark.parametrize(
    "train, test, expected, told",
    [
        (BYTES, BYTES, BYTES, None),
        (UNIT, UNIT, BYTES, "float64 from 0 to 1, " + TO_1),
        (UNIT, changed(UNIT, ((0, 0, 0, 2), 1.0000001), ((0, 0, 0, 0), -1e-7)), BYTES,
         "float64 from -1e-07 to 1, " + TO_1),
        (UNIT.astype("f4"), UNIT, BYTES, "float32 and float64 from 0 to 1, " + TO_1),
        (UNIT.astype("f2"), UNIT.astype("f2"), BYTES, "float16 from 0 to 1, " + TO_1),
        (UNIT, UNIT.clip(0, 0.3), np.round(UNIT.clip(0, 0.3) * 255), "float64 from 0 to 1, " + TO_1),
        (BYTES.astype("f2"), BYTES.astype("f2"), BYTES, "float16 from 0 to 255, " + TO_255),
        (BYTES.astype("i8"), BYTES, BYTES, "int64 and uint8 from 0 to 255, " + TO_255),
        (BYTES + 0.4, BYTES, BYTES, "float64 and uint8 from 0 to 255.4, " + TO_255),
        (BYTES.astype("f4"), INK.astype("f4"), INK, "float32 from 0 to 255, " + TO_255[:-1] + ", in "
         "x_test too, where none is above 1."),
        (BYTES, INK.astype("u1"), INK, "uint8 from 0 to 255, " + TO_255[:-1] + ", in x_test too, where none is above"),
        (INK, INK, INK * 255, "bool from 0 to 1, " + TO_1),
        (INK.astype(int), INK.astype(int), INK * 255, "int64 from 0 to 1, " + TO_1),
        (INK.astype("u1"), INK.astype("u1"), INK * 255, "uint8 from 0 to 1, " + TO_1),
        (BYTES.astype("u2") * 257, (BYTES.astype("u2") * 257).astype(">u2"), BYTES,
         "uint16 from 0 to 65535, are taken as 0 (black) to 65535 (white)."),
        (UNIT * 2 - 1, UNIT * 2 - 1, BYTES, "float64 from -1 to 1, are taken as -1 (black) to 1 (white)."),
        (BYTES, BYTES // 16, BYTES // 16, "uint8 from 0 to 255, " + TO_255[:-1] + ", in x_test too, where none is "
         "above 15."),
        (BYTES.astype("f4"), (BYTES // 16).astype("f4"), BYTES // 16, "float32 from 0 to 255, " + TO_255[:-1] + ", in "
         "x_test too, where none is above 15."),
        (UNIT, UNIT / 255, UNIT.round(), "float64 from 0 to 1, " + TO_1[:-1] + ", in x_test too, where none is above"),
        (UNIT, UNIT * 0, INK * 0, "float64 from 0 to 1, " + TO_1[:-1] + ", in x_test too, where none is above 0."),
        (BYTES.astype("u2") * 257, BYTES.astype("u2") * 16, (BYTES / 257 * 16).round(), "uint16 from 0 to 65535, are "
         "taken as 0 (black) to 65535 (white), in x_test too, where none is above 4080."),
        (BYTES * 0, BYTES * 0, BYTES * 0, "uint8 from 0 to 0, " + TO_255),
        (BYTES // 16, BYTES // 16, BYTES // 16, "uint8 from 0 to 15, are taken as 0 (black) to 255 (white); if 15 is "
                                                "white, store them as uint8 from 0 to 255."),
    ],
)
def test_pixels_become_bytes_on_one_scale_which_is_told(tmp_path, train, test, expected, told):
    made = pixels(tmp_path, train, test)
    assert made.test.images.dtype == np.uint8 and (made.test.images == expected).all()
    if told:
        assert len(made.notes) == 1 and made.notes[0].startswith(f"The pixels of set.npz, {told}")
    else:
        assert made.notes == ()


@pytest.mark.parametrize(
    "train, test, sentence",
    [
        (BYTES, UNIT, "from 0 to 1 in x_test, but from 0 to 255 in x_train, " + OTHER),
        (UNIT, BYTES, "from 0 to 1 in x_train, but from 0 to 255 in x_test, " + OTHER),
        (BYTES, INK, "from 0 to 1 in x_test, but from 0 to 255 in x_train, " + OTHER),
        (INK.astype("u1"), BYTES, "from 0 to 1 in x_train, but from 0 to 255 in x_test, " + OTHER),
        (INK.astype("f4"), BYTES.astype("f4"), "from 0 to 1 in x_train, but from 0 to 255 in x_test, " + OTHER),
        (UNIT * 2 - 1, UNIT, "from 0 to 1 in x_test, but from -1 to 1 in x_train, " + OTHER),
        (BYTES.astype("u2") * 257, BYTES.astype("u2"), "from 0 to 255 in x_test, but from 0 to 65535 in"),
        (UNIT - 0.5, None, "(float64) from -0.5 to 0.5, which isn't clearly 0 to 1, -1 to 1, 0 to 255 or (uint16) "
                           "0 to 65535: store them as uint8 from 0 to 255."),
        ((UNIT - 0.45) / 0.25, None, "(float64) from -1.8 to 2.2, which isn't clearly 0 to 1"),
        (UNIT * 1.1 - 0.05, None, "(float64) from -0.05 to 1.05, which isn't clearly 0 to 1"),
        (UNIT * 20, None, "(float64) from 0 to 20, which isn't clearly 0 to 1"),
        (BYTES.astype(int) - 1, None, "(int64) from -1 to 254, which isn't clearly 0 to 1"),
        (UNIT * 1.5, None, "(float64) from 0 to 1.5, which isn't clearly 0 to 1"),
        (BYTES.astype("u2") * 16, None, "(uint16) from 0 to 4080, which isn't clearly 0 to 1"),
        (BYTES.astype("i4") * 257, None, "(int32) from 0 to 65535, which isn't clearly 0 to 1"),
        ((BYTES.astype(int) - 128).astype("i1"), None, "(int8) from -128 to 127, which isn't clearly 0 to 1"),
        (changed(UNIT, (5, np.nan)), None, "that are no finite number (NaN or infinite) in x_train."),
        (UNIT, changed(UNIT, (5, np.inf)), "that are no finite number (NaN or infinite) in x_test."),
    ],
)
def test_pixels_on_no_clear_scale_or_on_several_are_refused(tmp_path, train, test, sentence):
    assert f"set.npz has pixels {sentence}" in refusal(pixels, tmp_path, train, test)


@pytest.mark.parametrize(
    "images, sentence",
    [
        (BYTES.astype(complex), "needs numbers as pixels; x_train holds complex128: store them as uint8"),
        (BYTES.astype(str), "needs numbers as pixels; x_train holds <U3: store them as uint8 from 0 to 255."),
        (BYTES.astype("M8[s]"), "needs numbers as pixels; x_train holds datetime64[s]: store them"),
        (np.zeros((N, 4, 5), [("r", "u1"), ("g", "u1")]), "as pixels; x_train holds [('r', 'u1'), ('g', 'u1')]: "),
        (BYTES.astype(object), "holds Python objects in x_train, " + OBJECTS),
        (BYTES[:, :0], "needs images (N, height, width[, channels]); x_train is (40, 0, 5, 3)."),
        (BYTES.reshape(N, -1), "needs images (N, height, width[, channels]); x_train is (40, 60)."),
        (noise(N, 3, 32, 32), "has its channels first, x_train is (40, 3, 32, 32): store x_train.transpose(0, 2, 3, 1) "
                              "in its place."),
        (noise(N, 1, 28, 28), "has its channels first, x_train is (40, 1, 28, 28): store x_train.transpose"),
        (noise(N, 4, 28, 28), "has its channels first, x_train is (40, 4, 28, 28): store x_train.transpose"),
        (noise(8, 8, 3, N), "has 8 images in x_train, but 40 labels in y_train. np.moveaxis(x_train, -1, 0) brings the "
                            "images first."),
        (BYTES[1:], "has 39 images in x_train, but 40 labels in y_train."),
        (noise(N, 4, 5, 2), "has images of 2 channels; 1 (grey) or 3 (colour) are understood."),
    ],
)
def test_what_is_no_array_of_images_is_refused(tmp_path, images, sentence):
    assert sentence in refusal(pixels, tmp_path, images)


def test_splits_of_different_sizes_are_refused(tmp_path):
    assert "set.npz has images of different sizes in its splits: " in refusal(
        pixels, tmp_path, BYTES, noise(N, 5, 5, 3)
    )


def test_what_is_behind_an_alpha_channel_is_white(tmp_path):
    alpha = noise(N, 4, 5, 1, seed=1)
    alpha[0, 0, :3, 0] = 0, 255, 128
    made = pixels(tmp_path, np.concatenate([BYTES, alpha], -1))
    share = alpha / 255
    assert made.image_shape == (4, 5, 3)
    assert (made.train.images == np.round(BYTES * share + 255 * (1 - share))).all()
    assert made.notes == ("The images of set.npz have an alpha channel: they are laid on white.",)


WHITE = np.full_like(BYTES, 255)


def with_alpha(images, alpha):
    return np.concatenate([images, np.broadcast_to(alpha, (*images.shape[:3], 1)).astype(images.dtype)], -1)


@pytest.mark.parametrize(
    "images",
    [with_alpha(BYTES, 0), with_alpha(BYTES, 1), with_alpha(BYTES, INK[..., :1]), with_alpha(WHITE, BYTES[..., :1])],
    ids=["hidden", "nearly hidden", "0 and 1", "white ink"],
)
def test_images_that_are_blank_on_white_are_refused_or_told(tmp_path, images):
    assert refusal(pixels, tmp_path, images).startswith("x_train[0] of set.npz is all white once it is put on")
    assert "x_test[0] of set.npz is all white" in refusal(pixels, tmp_path, with_alpha(BYTES, 255), images)
    images = images.copy()
    images[::2] = with_alpha(BYTES, 255)[::2]
    note = "20 of 40 transparent images that were looked at are blank on white, on which they are put, as "
    assert pixels(tmp_path, images).notes[1] == note + "x_train[1] of set.npz."


def test_one_opaque_pixel_hides_no_other_image(tmp_path):
    images = with_alpha(BYTES, 0)
    images[0, 0, 0] = 0, 0, 0, 255
    assert any(note.startswith("39 of 40 transparent images") for note in pixels(tmp_path, images).notes)


@pytest.mark.parametrize("shape", [(N, 3, 32), (N, 32, 3), (N, 3, 32, 3), (N, 1, 28, 1)])
def test_images_so_thin_that_they_may_be_channels_are_told(tmp_path, shape):
    height, width = shape[1:3]
    note = (
        f"The images of set.npz are {height}x{width} pixels; if {min(height, width)} counts channels, store these last."
    )
    assert pixels(tmp_path, noise(*shape)).notes == (note,)


# ------------------------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize(
    "labels, more, names, expected, told",
    [
        (LABELS[:, None], {}, "012", LABELS, NOTHING),
        (LABELS == 1, {}, "01", LABELS == 1, NOTHING),
        (ONE_HOT, {}, "012", LABELS, NOTHING),
        (ONE_HOT.astype(bool), {}, "012", LABELS, NOTHING),
        (ONE_HOT.astype(int), {"classes": NAMES}, NAMES, LABELS, NOTHING),
        (np.eye(4)[LABELS], {}, "0123", LABELS, ["Classes without a training image, which can't be learnt: 3."]),
        (LABELS + 1, {}, "123", LABELS, [GAPS + "1, 2, 3."]),
        (LABELS * 5, {}, ["0", "5", "10"], LABELS, [GAPS + "0, 5, 10."]),
        (LABELS.astype("u8") + 2**63, {}, [str(2**63 + i) for i in range(3)], LABELS,
         [GAPS + f"{2**63}, {2**63 + 1}, {2**63 + 2}."]),
        (LABELS.astype(">u8"), {}, "012", LABELS, NOTHING),
        (LABELS.astype("f4"), {}, "012", LABELS,
         ["The labels of set.npz are float32; being whole, they are taken as numbers of classes."]),
        (NAMES[LABELS], {}, NAMES, LABELS, NOTHING),
        (NAMES[LABELS][:, None], {}, NAMES, LABELS, NOTHING),
        (NAMES.astype("S")[LABELS], {}, NAMES, LABELS, NOTHING),
        (np.array(["10", "2", "1"])[LABELS], {}, ["1", "2", "10"], 2 - LABELS, NOTHING),
        (NAMES[LABELS], {"classes": NAMES[::-1]}, NAMES[::-1], 2 - LABELS, NOTHING),
        (LABELS, {"classes": NAMES[None]}, NAMES, LABELS, NOTHING),
        (LABELS, {"classes": [3, 5, 8]}, "358", LABELS, NOTHING),
        (np.array([3, 5, 8])[LABELS], {"classes": [3, 5, 8]}, "358", LABELS, NOTHING),
        (LABELS + 1, {"classes": ["01", "02", "03"]}, ["01", "02", "03"], LABELS, NOTHING),
        (LABELS, {"classes": [0, 1, 2]}, "012", LABELS, NOTHING),
        (LABELS, {"classes": list("201")}, "201", LABELS, [COUNTED.format(0, 2)]),
        (LABELS, {"classes": ["1.0", "2.0", "0"]}, ["1.0", "2.0", "0"], LABELS, [COUNTED.format(0, "1.0")]),
        (LABELS, {"classes": np.array(["ä".encode(), b"b", b"c"])}, "äbc", LABELS, NOTHING),
        (LABELS, {"classes": list("abcd")}, "abcd", LABELS,
         ["Classes without a training image, which can't be learnt: d."]),
        (LABELS, {"class_names": NAMES}, "012", LABELS, ["Not read from set.npz: class_names."]),
    ],
)
def test_labels_become_classes(tmp_path, labels, more, names, expected, told):
    made = labelled(tmp_path, labels, **more)
    assert made.class_names == tuple(names) and (made.test.labels == expected).all() and made.notes == tuple(told)
    assert made.test.labels.dtype == np.int32


@pytest.mark.parametrize(
    "labels, more, sentence",
    [
        (LABELS - 1, {}, "has the label -1: number the classes from 0, and leave unlabelled images out."),
        (LABELS + 0.5, {}, "needs whole numbers or names as labels; y_train holds 0.5."),
        (np.where(LABELS == 0, np.nan, LABELS), {}, "needs whole numbers or names as labels; y_train holds nan."),
        (np.float32(2**25) * LABELS.astype("f4"), {}, "needs whole numbers or names as labels; y_train holds 3.3"),
        (np.float16(2**12) * LABELS.astype("f2"), {}, "needs whole numbers or names as labels; y_train holds 4096."),
        (LABELS.astype(complex), {}, "needs whole numbers or names as labels; y_train holds complex128."),
        (NAMES.astype(object)[LABELS], {}, "holds Python objects in y_train, " + OBJECTS),
        (changed(ONE_HOT, (3, [1, 1, 0])), {}, ROWS + "3 of y_train has 2 ones."),
        (changed(ONE_HOT, (3, 0)), {}, ROWS + "3 of y_train has no ones."),
        (ONE_HOT * 0.9 + 0.1 / 3, {}, ROWS + "0 of y_train has other numbers."),
        (ONE_HOT * 2 - 1, {}, ROWS + "0 of y_train has other numbers."),
        (np.zeros((N, 0)), {}, "needs labels (N,), or one-hot (N, classes); y_train is (40, 0)."),
        (np.array(3), {}, "needs labels (N,), or one-hot (N, classes); y_train is ()."),
        (LABELS[1:], {}, "has 40 images in x_train, but 39 labels in y_train."),
        (LABELS * 0, {}, "has one class only (0); there is nothing to tell apart."),
        (np.array([b"\xe4", b"a"])[LABELS % 2], {}, "names in y_train that aren't UTF-8; store"),
        (NAMES[LABELS], {"classes": ["cats", "dog", "owl"]}, "has the label 'cat', which isn't among its classes."),
        (LABELS, {"classes": ["a", "b"]}, "has the label 2, but 2 classes, a, b, which labels count from 0."),
        (LABELS + 1, {"classes": NAMES}, "has the label 3, but 3 classes, cat, dog, owl, which labels count from 0."),
        (LABELS, {"classes": [2, 0, 1]}, "has the labels 0, 1, 2 and the classes 2, 0, 1: it isn't clear whether"),
        (LABELS + 5, {"classes": ["05", "5", "6", "7"]}, "has the label 5, but 4 classes, 05, 5, 6, 7, which labels"),
        (LABELS % 2 + 1, {"classes": [1, 2, 3]}, "has the labels 1, 2 and the classes 1, 2, 3: it isn't clear"),
        (LABELS % 2 + 1, {"classes": [1, 2, 3]}, "as text (if they count: classes.astype(str)[y])."),
        (NAMES[LABELS][:, None].repeat(2, 1), {}, "needs labels (N,), or one-hot (N, classes); y_train is (40, 2)."),
        (ONE_HOT, {"classes": list("abcd")}, "has one-hot labels of 3 columns, but 4 names in classes."),
        (LABELS, {"classes": ["a", "b", "a"]}, "has more than one class of the name 'a'; give each its own."),
        (LABELS, {"classes": NAMES.astype(object)}, "holds Python objects in classes, " + OBJECTS),
        (LABELS, {"classes": "cat,dog,owl"}, "needs names (classes,) in classes; it is () of <U11."),
        (LABELS, {"classes": [0.0, 1.0, 2.0]}, "needs names (classes,) in classes; it is (3,) of float64."),
    ],
)
def test_labels_that_are_no_classes_are_refused(tmp_path, labels, more, sentence):
    assert sentence in refusal(labelled, tmp_path, labels, **more)


def test_the_labels_of_all_splits_make_the_classes(tmp_path):
    made = labelled(tmp_path, np.minimum(LABELS, 1), LABELS)
    assert made.class_names == ("0", "1", "2") and (made.test.labels == LABELS).all()
    assert made.notes == (
        "Classes without a training image, which can't be learnt: 2; their 13 test images count as mistakes.",
    )
    made = labelled(tmp_path, NAMES[LABELS], np.array(["cat", "Dog", "owl"])[LABELS])
    assert made.class_names == ("Dog", "cat", "dog", "owl") and made.notes == (
        "Classes whose names differ by case, spaces or zeros alone: Dog, dog.",
        "Classes without a training image, which can't be learnt: Dog; their 13 test images count as mistakes.",
        "Classes without a test image, whose accuracy isn't measured: dog.",
    )


def test_numbers_beside_columns_count_the_classes_as_these_do(tmp_path):
    made = labelled(tmp_path, ONE_HOT, LABELS, classes=NAMES)
    assert (made.test.labels == LABELS).all()
    with pytest.raises(ZooError, match="has the labels 1, 2 and the classes 1, 2, 3: it isn't clear whether"):
        labelled(tmp_path, ONE_HOT, LABELS % 2 + 1, classes=[1, 2, 3])
    made = labelled(tmp_path, ONE_HOT, LABELS % 2 + 1, classes=["1", "2", "3"])
    assert made.notes[0] == "The labels of set.npz count its classes from 0: 1 is the class '2'."


def test_numbers_beside_columns_may_name_the_classes_too(tmp_path):
    made = labelled(tmp_path, ONE_HOT, np.array([3, 5, 8])[LABELS], classes=[3, 5, 8])
    assert made.class_names == ("3", "5", "8")
    assert (made.test.labels == LABELS).all()


def test_negative_numbers_may_be_names(tmp_path):
    made = labelled(tmp_path, np.array([-1, 1])[LABELS % 2], classes=["-1", "1"])
    assert made.class_names == ("-1", "1") and (made.test.labels == LABELS % 2).all()


def test_splits_whose_labels_are_of_two_kinds_are_refused(tmp_path):
    sentence = refusal(labelled, tmp_path, NAMES[LABELS], LABELS)
    assert sentence == "set.npz has names as labels in one split and numbers in another."
    sentence = refusal(labelled, tmp_path, ONE_HOT, np.eye(4)[LABELS])
    assert sentence == "set.npz has one-hot labels of 3 and 4 columns in its splits."


# --------------------------------------------------------------------------------------------------------- file


@pytest.mark.parametrize(
    "arrays, sentence",
    [
        ({"a": [1]}, "needs x_train and y_train; it has a."),
        ({}, "needs x_train and y_train; it has nothing."),
        (
            {"x_train": noise(0, 2, 2), "y_train": np.zeros(0, int), "classes": ["a", "b"]},
            "no images in its train split",
        ),
    ],
)
def test_a_file_without_training_images_is_refused(tmp_path, arrays, sentence):
    assert sentence in refusal(data.load, saved(tmp_path, **arrays))


def test_what_is_not_read_is_told(tmp_path):
    objects = np.arange(N).astype(object)
    assert labelled(tmp_path, LABELS, x_valid=BYTES, ids=objects).notes == ("Not read from set.npz: x_valid, ids.",)


@pytest.mark.parametrize("kind", ("text", "array", "damaged"))
def test_a_file_that_is_no_npz_is_refused(tmp_path, kind):
    with open(tmp_path / "a.npz", "wb") as file:
        if kind == "text":
            file.write(b"not a zip")
        elif kind == "array":
            np.save(file, noise(3, 2, 2))
        else:
            np.savez_compressed(file, x_train=noise(99, 8, 8) % 4, y_train=np.arange(99))
            file.seek(200)
            file.write(bytes(60))
    with pytest.raises(ZooError, match="a.npz can't be read as an .npz file"):
        data.load(tmp_path / "a.npz")
