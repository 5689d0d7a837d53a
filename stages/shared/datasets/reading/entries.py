"""One file, a sample; and what the words for splits and classes mean, in folders and in lists."""

import re
import unicodedata
from typing import NamedTuple

from stages.shared.artifacts import Split

SPLIT_NAMES: dict[str, Split] = {
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}
SUFFIX = re.compile(r"[ _-]?(data|images|set|split)$")  # as in train_images or test set


class Entry(NamedTuple):
    """One file, a sample."""

    sample_id: str  # its path below root
    label: str
    split: Split | None


def split_of(name: str) -> Split | None:
    """Return the split that a folder or a manifest's word names, in any case; None: another."""
    word = name.strip().casefold()
    return SPLIT_NAMES.get(word) or SPLIT_NAMES.get(SUFFIX.sub("", word))


def clean(name: str) -> str:
    """Return the class that a name means: no spaces around it, and one form of its letters.

    A Mac writes é as two characters, others as one.
    """
    return unicodedata.normalize("NFC", name).strip()
