"""Random access by index to the serialized examples (bytes) of a TFDS set."""

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from zoo.errors import ZooError


class TFRecords:
    """Random access by index to the records of TFRecord files, as TFDS's data sources have it for other formats.

    TFDS reads this format only sequentially; but each record is preceded by its length, so that one pass over the
    lengths yields all offsets.
    """

    def __init__(self, files: Iterable[Any]):
        self.files = tuple(files)
        self.places = np.concatenate([_offsets(file_index, file) for file_index, file in enumerate(self.files)])

    def __len__(self) -> int:
        return len(self.places)

    def __getitems__(self, indices):
        records = []
        for file, located in groupby(self.places[indices].tolist(), itemgetter(0)):
            with self.files[file].open("rb") as stream:
                for _, start, length in located:
                    stream.seek(start)
                    records.append(stream.read(length))
        return records


def _offsets(file_index, file):
    """Return (records, 3) int64: the file's index, and each record's offset and length in bytes."""
    offsets = []
    with file.open("rb") as stream:
        while head := stream.read(12):  # the length, in 8 bytes, and its checksum
            length = int.from_bytes(head[:8], "little")
            offsets.append((file_index, stream.tell(), length))
            stream.seek(length + 4, 1)  # the record and its checksum
    return np.array(offsets, np.int64).reshape(-1, 3)


def open_records(tfds: Any, name: str, builder: Any, split: str) -> Any:
    """Return a sequence of a split's serialized examples (bytes), with access by index."""
    if builder.info.file_format == tfds.core.FileFormat.TFRECORD:
        files = dict.fromkeys(part.filename for part in builder.info.splits[split].file_instructions)
        return TFRecords(map(tfds.core.Path, files))
    try:
        return builder.as_data_source(split, deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES)
    except NotImplementedError:
        raise ZooError(f"{name} is stored as {builder.info.file_format.value}, which can't be read.") from None


def read_records(records: Any, indices: np.ndarray) -> list[bytes]:
    """Return the records at the indices."""
    return list(map(bytes, records.__getitems__(indices.tolist())))
