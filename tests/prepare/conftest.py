"""Data sets small enough to be made in each test."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy
from PIL import Image

from stages.prepare.__main__ import main
from stages.shared.settings.sections import Dataset

DEFAULTS: dict[str, Any] = {
    "name": "imagefolder",
    "root": "data/raw",
    "storage": "auto",
    "image_size": None,
    "text_length": 100,
    "split_seed": 0,
    "validation_fraction": 0.25,
    "num_folds": 5,
    "fold": 0,
    "manifest": str(toy.ROOT / "lists/manifest.csv"),
    "label_column": None,
    "groups": str(toy.ROOT / "lists/groups.csv"),
    "watch": "contents",
}


@pytest.fixture(scope="session")
def dataset() -> Callable[..., Dataset]:
    """Make the section `dataset` of params.yaml, some values changed."""
    return lambda **changes: Dataset(**{**DEFAULTS, **changes})


@pytest.fixture
def one_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with a manifest, list.csv, of one row."""
    monkeypatch.chdir(tmp_path)
    Path("list.csv").write_text("path,label,split\na.png,cat,\n")


@pytest.fixture(scope="session")
def read() -> Callable[..., np.ndarray]:
    """Return the images of some rows of a source, none of which is a problem."""

    def read(source, rows):
        parts = list(source.inputs.read(np.array(rows)))
        assert not any(part.problems for part in parts)
        return np.concatenate([part.images_BHWK for part in parts])

    return read


@pytest.fixture
def prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Run the stage in an empty folder, with a preset's or usual params.yaml but for the data."""
    monkeypatch.chdir(tmp_path)

    def run(preset: str | None = None, **changes: Any) -> Path:
        params = toy.resolved(preset) if preset else toy.default_params()
        params["dataset"] |= {"validation_fraction": 0.25} | changes
        toy.write_params(Path(), params)
        main(Path("data/prepared"), Path("data/ensembles/scratch"))
        return Path("data/prepared")

    return run


@pytest.fixture(scope="session")
def colour_of() -> Callable[[str], list[int]]:
    """Return the colour that an image of this name is filled with."""
    return lambda name: list(hashlib.blake2b(os.fsencode(name), digest_size=3).digest())


@pytest.fixture
def images(tmp_path: Path, colour_of: Callable[[str], list[int]]) -> Callable[..., Path]:
    """Write image files below a root, each filled with a colour of its own; return the root."""
    root = tmp_path / "images"

    def make(*names: str, size: tuple[int, int] = (4, 4)) -> Path:
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", size, tuple(colour_of(name))).save(path)
        return root

    return make
