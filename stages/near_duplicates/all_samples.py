"""What is compared: the vectors of all splits one after the other, and what copies share.

A user's vectors are compared as models read them, each number with mean 0 and deviation 1: the raw
numbers of a table are all above 0, so that each row points nearly where every other does.
Images without embeddings have thumbnails, up to 100,000 of them. Texts have no vectors, and neither
have images that are left in files. These are decoded where another one has their checksum: a single
blank one is not seen.

Shapes: N samples of all splits, D numbers of a vector, B of the samples.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from stages.near_duplicates.similar_pairs import BLOCK, MOST_EXACT, Vectors
from stages.near_duplicates.thumbnails import have_thumbnails, thumbnails
from stages.shared import artifacts
from stages.shared.artifacts import SPLITS, Array, Ints, Split
from stages.shared.artifacts.saved_embeddings import load_contrasts, load_digests
from stages.shared.running.workspace import located

LEAST_CONTRAST = 8  # levels of 255 between the darkest and the brightest: less is a blank image
# Of a user's vector: fewer are nearly parallel, or all the same, by chance. Of random vectors of 4
# numbers one pair in 150 has a cosine of 0.95, so that 200 of them are one group; of 16 numbers
# three pairs in a billion.
FEWEST_NUMBERS = 16
FARTHEST = 3  # deviations: what is farther out, as a rare flag is, would outweigh all other numbers


@dataclass(frozen=True)
class Stacked:
    """The arrays of several splits as one, read as it is used."""

    arrays: Sequence[Array]

    @property
    def shape(self) -> tuple[int, int]:
        """N, D."""
        return len(self), self.arrays[0].shape[1]

    def __len__(self) -> int:
        """Return N."""
        return sum(map(len, self.arrays))

    def __getitem__(self, rows: Ints | slice) -> Array:
        """Return some of the vectors [B, D]; float32 unless all are float16."""
        row_B = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else rows
        first_A = np.cumsum([0, *map(len, self.arrays)])
        array_B = np.searchsorted(first_A, row_B, side="right") - 1
        dtype = np.result_type(*(each.dtype for each in self.arrays))
        found_BD = np.empty((len(row_B), self.shape[1]), dtype)
        for number in np.unique(array_B):
            here_B = array_B == number
            found_BD[here_B] = self.arrays[number][row_B[here_B] - first_A[number]]
        return found_BD


@dataclass(frozen=True)
class Scaled:
    """Vectors as models read them, float32, but for numbers that are far out; read as used."""

    vectors_ND: Stacked
    mean_D: Array  # float32, of the train split
    std_D: Array  # the same

    @property
    def shape(self) -> tuple[int, int]:
        """N, D."""
        return self.vectors_ND.shape

    def __len__(self) -> int:
        """Return N."""
        return len(self.vectors_ND)

    def __getitem__(self, rows: Ints | slice) -> Array:
        """Return some of the vectors [B, D]; a number that never changes in train is 0 there."""
        moved_BD = self.vectors_ND[rows].astype(np.float32) - self.mean_D
        scaled_BD = moved_BD / np.where(self.std_D > 0, self.std_D, np.float32(1))
        return np.clip(scaled_BD, -FARTHEST, FARTHEST)


@dataclass(frozen=True)
class Compared:
    """All samples, train first, then validation and test."""

    vectors_ND: Vectors | None
    digest_N: Array  # uint64: equal ones are copies
    is_blank_N: Array  # bool
    are_thumbnails: bool = False  # the vectors


Look = tuple[Array, Array]  # the digest of each sample, and whether it is blank


def load(prepared: Path, embeddings: Path | None, inputs: str) -> Compared:
    """Return what is compared.

    Args:
        prepared: data/prepared.
        embeddings: of its images; None: there are none.
        inputs: images, texts or vectors.

    Raises:
        ArtifactError: a file is missing or damaged.
    """
    folder = embeddings or prepared
    if embeddings:
        looks = [_of_embedded(embeddings, split) for split in SPLITS]
    elif inputs == "images" and artifacts.has_file_list(prepared, "train"):
        looks = _of_files(prepared)
    else:
        looks = [OF[inputs](prepared, split) for split in SPLITS]
    digest_N, is_blank_N = (np.concatenate(parts) for parts in zip(*looks, strict=True))
    if embeddings or inputs == "vectors":
        stacked = Stacked([artifacts.load_vectors(folder, split) for split in SPLITS])
        vectors = stacked if embeddings else _scaled(stacked, prepared)
        return Compared(vectors, digest_N, is_blank_N)
    few_images = inputs == "images" and len(digest_N) <= MOST_EXACT
    found = _thumbnails(prepared) if few_images else None
    return Compared(Stacked(found) if found else None, digest_N, is_blank_N, found is not None)


def _scaled(vectors_ND: Stacked, prepared: Path) -> Scaled | None:
    """Return the user's vectors as models read them; None where they have too few numbers."""
    if vectors_ND.shape[1] < FEWEST_NUMBERS:
        return None
    meta = artifacts.load_meta(prepared)
    return Scaled(vectors_ND, *(np.array(each, np.float32) for each in (meta.mean, meta.std)))


def _thumbnails(prepared: Path) -> list[Array] | None:
    """Return those of each split; None where images are left in files or are small or grey."""
    if artifacts.has_file_list(prepared, "train"):
        return None
    splits = [artifacts.load_inputs(prepared, split) for split in SPLITS]
    return [thumbnails(images) for images in splits] if have_thumbnails(splits[0].shape) else None


def _of_embedded(folder: Path, split: Split) -> tuple[Array, Array]:
    return load_digests(folder, split), load_contrasts(folder, split) < LEAST_CONTRAST


def _of_vectors(prepared: Path, split: Split) -> Look:
    """A vector is blank where all of its numbers are the same as given, and no few."""
    vectors_ND = artifacts.load_vectors(prepared, split)
    parts = (vectors_ND[start : start + BLOCK] for start in range(0, len(vectors_ND), BLOCK))
    return _looks((row_D for part_BD in parts for row_D in part_BD), _is_constant)


def _of_images(prepared: Path, split: Split) -> Look:
    return _looks(artifacts.load_inputs(prepared, split), _is_blank_image)


def _of_texts(prepared: Path, split: Split) -> Look:
    texts = artifacts.load_sequences(prepared, split, "text_bytes")
    found = (texts[row] for row in range(len(texts)))
    return _looks(found, lambda text_A: not text_A.tobytes().strip())


OF: dict[str, Callable[[Path, Split], Look]] = {
    "images": _of_images,
    "texts": _of_texts,
    "vectors": _of_vectors,
}


def _of_files(prepared: Path) -> list[Look]:
    """Return the same of all splits: what has a checksum of its own is told by that alone."""
    from stages.shared.samples.decoding import decode  # Pillow, for files alone

    listed = [artifacts.load_file_list(prepared, split) for split in SPLITS]
    checksum_N = np.concatenate([files.checksum_N for files in listed])
    _, number_N, count_A = np.unique(checksum_N, return_inverse=True, return_counts=True)
    digest_N = checksum_N.astype(np.uint64)
    is_blank_N = np.zeros(len(digest_N), np.bool_)
    paths = [(located(files.root) / name, files) for files in listed for name in files.names]
    rows = np.flatnonzero(count_A[number_N] > 1)
    images = (decode(paths[row][0], paths[row][1].image_size) for row in rows.tolist())
    digest_N[rows], is_blank_N[rows] = _looks(images, _is_blank_image)
    ends = np.cumsum([len(files.names) for files in listed])[:-1]
    return list(zip(np.split(digest_N, ends), np.split(is_blank_N, ends), strict=True))


def _is_blank_image(image_HWK: Array) -> bool:
    return int(image_HWK.max()) - int(image_HWK.min()) < LEAST_CONTRAST


def _is_constant(row_D: Array) -> bool:
    return len(row_D) >= FEWEST_NUMBERS and bool(row_D.max() == row_D.min())


def _looks(samples: Iterable[Array], is_blank: Callable[[Array], bool]) -> Look:
    digests, blank = bytearray(), []
    for sample in samples:
        content = np.ascontiguousarray(sample)
        digests += blake2b(content.data, digest_size=8, key=repr(content.shape).encode()).digest()
        blank.append(is_blank(sample))
    return np.frombuffer(bytes(digests), dtype="<u8"), np.array(blank, dtype=np.bool_)
