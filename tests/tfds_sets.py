"""Small sets of TFDS: of one size, of differing ones, and of all else that an image can be there."""

from io import BytesIO

import numpy as np
from pictures import noise
from PIL import Image


def shards(count):
    import tensorflow_datasets as tfds

    return tfds.download.DownloadConfig(num_shards=count)


OTHERS = {"in_shards": {"download_config": shards(3)}, "in_array_records": {"file_format": "array_record"}}


def mask(height, seed):
    """A mask (height, 5, 1) of three classes."""
    return noise(height, 5, 1, seed=100 + seed) % 3


def as_png(values):
    file = BytesIO()
    Image.fromarray(values).save(file, "PNG")
    return file.getvalue()


def as_jpeg(values, orientation):
    file, exif = BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(values).save(file, "JPEG", exif=exif)
    return file.getvalue()


def write_sets(folder):
    """Write them, of 20 and 6 images, by TFDS itself."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    label = tfds.features.ClassLabel(names=["square", "circle"])

    def store(name, features, example, is_encoded=False, **options):
        def examples(count):
            rows = [example(i) for i in range(count)]
            spec = tfds.features.FeaturesDict(features).get_tensor_info()
            signature = {key: tf.TensorSpec(info.shape, info.tf_dtype) for key, info in spec.items()}
            if is_encoded:
                signature["image"] = tf.TensorSpec((), tf.string)
            return tf.data.Dataset.from_generator(lambda: iter(rows), output_signature=signature)

        tfds.dataset_builders.store_as_tfds_dataset(
            name, "1.0.0", features=tfds.features.FeaturesDict(features), data_dir=folder, disable_shuffling=True,
            split_datasets={"train": examples(20), "test": examples(6)}, **options,
        )

    store("figures", {"image": tfds.features.Image(shape=(6, 5, 3)), "label": label},
          lambda i: {"image": noise(6, 5, 3, seed=i), "label": i % 2})
    store("mixed_shapes", {"image": tfds.features.Image(shape=(None, None, 3)), "label": label},
          lambda i: {"image": noise(6 + i, 5, 3, seed=i), "label": i % 2})
    for name, options in OTHERS.items():
        store(name, {"image": tfds.features.Image(shape=(6, 5, 3)), "label": label},
              lambda i: {"image": noise(6, 5, 3, seed=i), "label": i % 2}, **options)
    store("drawn", {"image": tfds.features.Image(shape=(6, 5, 4)), "label": label},
          lambda i: {"image": noise(6, 5, 4, seed=i), "label": i % 2})
    store("drawn_and_mixed", {"image": tfds.features.Image(shape=(None, None, 4)), "label": label},
          lambda i: {"image": noise(6, 5, 4, seed=i), "label": i % 2})
    hidden = np.array([1, 1, 1, 0], "u1")
    store("hidden", {"image": tfds.features.Image(shape=(6, 5, 4)), "label": label},
          lambda i: {"image": noise(6, 5, 4, seed=i) * hidden, "label": i % 2})
    store("half_hidden", {"image": tfds.features.Image(shape=(6, 5, 4)), "label": label},
          lambda i: {"image": noise(6, 5, 4, seed=i) * (hidden if i % 2 else np.ones(4, "u1")), "label": i % 2})
    store("drawn_in_rgb", {"image": tfds.features.Image(shape=(6, 5, 3)), "label": label},
          lambda i: {"image": as_png(noise(6, 5, 4, seed=i)), "label": i % 2}, is_encoded=True)
    store("dark", {"image": tfds.features.Image(shape=(6, 5, 1), dtype=np.uint16), "label": label},
          lambda i: {"image": noise(6, 5, 1, seed=i) * np.uint16(257 if i % 2 else 16), "label": i % 2})
    store("turned", {"image": tfds.features.Image(shape=(None, None, 3)), "label": label},
          lambda i: {"image": as_jpeg(noise(6, 5, 3, seed=i), 6 if i == 3 else 1), "label": i % 2},
          is_encoded=True)
    store("broken", {"image": tfds.features.Image(shape=(6, 5, 4)), "label": label},
          lambda i: {"image": as_png(noise(6, 5, 4, seed=i))[:-30], "label": i % 2}, is_encoded=True)
    store("pairs", {"left": tfds.features.Image(shape=(6, 5, 3)), "right": tfds.features.Image(shape=(6, 5, 3)),
                    "label": label, "colour": tfds.features.ClassLabel(num_classes=3)},
          lambda i: {"left": noise(6, 5, 3), "right": noise(6, 5, 3), "label": i % 2, "colour": 2})
    store("deep", {"image": tfds.features.Image(shape=(6, 5, 1), dtype=np.uint16), "label": label},
          lambda i: {"image": noise(6, 5, 1, seed=i) * np.uint16(257), "label": i % 2})
    store("floats", {"image": tfds.features.Image(shape=(6, 5, 1), dtype=np.float32), "label": label},
          lambda i: {"image": noise(6, 5, 1, seed=i).astype("float32"), "label": i % 2})
    image, any_size = tfds.features.Image(shape=(6, 5, 3)), tfds.features.Image(shape=(None, None, 3))
    store("pets", {"image": any_size, "label": label, "species": tfds.features.ClassLabel(num_classes=2),
                   "segmentation_mask": tfds.features.Image(shape=(None, None, 1))},
          lambda i: {"image": noise(6 + i % 3, 5, 3, seed=i), "label": i % 2, "species": 0,
                     "segmentation_mask": 1 + mask(6 + i % 3, seed=i)})
    store("scenes", {"image": image, "label": tfds.features.LabeledImage(labels=["sea", "land", "sky", "ice"],
                                                                         shape=(6, 5, 1))},
          lambda i: {"image": noise(6, 5, 3, seed=i), "label": mask(6, seed=i)})
    store("cells", {"image": image, "mask": tfds.features.Image(shape=(6, 5, 1), dtype=np.uint16)},
          lambda i: {"image": noise(6, 5, 3, seed=i), "mask": mask(6, seed=i).astype("u2") % 2 * 255},
          **OTHERS["in_shards"])
    store("askew", {"image": any_size, "mask": tfds.features.Image(shape=(None, None, 1))},
          lambda i: {"image": noise(6, 5, 3, seed=i), "mask": mask(7 if i == 3 else 6, seed=i)})
    store("many", {"image": image, "mask": tfds.features.LabeledImage(labels=["sea", "land"], shape=(6, 5, 1))},
          lambda i: {"image": noise(6, 5, 3, seed=i), "mask": mask(6, seed=i)})
    store("soft", {"image": image, "mask": tfds.features.Image(shape=(6, 5, 1), dtype=np.float32)},
          lambda i: {"image": noise(6, 5, 3, seed=i), "mask": mask(6, seed=i).astype("f4")})
    store("sentences", {"text": tfds.features.Text()}, lambda i: {"text": "words"})
