"""The images of the subset in a folder of their own.

- With one class for each image `<class>/<file>`, as torchvision's ImageFolder reads them.
- With boxes `images/<file>` and `annotations.json` in the form of COCO.

A file keeps its name. Where another of its folder has it, letters large or small, `__2`, `__3`,
... stands before its ending, in the order of picking.
"""

import shutil
import sys
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path, PurePath

from PIL import Image

from commands.export import coco_file
from commands.export.chosen import PREPARED, Chosen, Sample
from commands.export.output import new_folder, write_json
from stages.shared.errors import DataError
from stages.shared.samples.loading import load_images

Place = Callable[[Sample, Path], None]  # puts the image of a sample into a file


def write_symlinks(chosen: Chosen, output: Path, repeat: bool) -> None:
    """Write links to the user's files; `repeat`: one for each pick.

    Raises:
        DataError: the samples are no images, there are no files, or a class is no name of a folder.
    """
    require_images(chosen)
    if chosen.root is None:
        raise DataError("symlinks need image files, and there are none; `copy` writes them")
    _write(chosen, output, repeat, _link)


def write_copies(chosen: Chosen, output: Path, repeat: bool) -> None:
    """Write copies of the user's files, or the prepared images as PNG; `repeat`: for each pick.

    Raises:
        DataError: the samples are no images, or a class is no name of a folder.
    """
    _write(chosen, output, repeat, placing(chosen))


def placing(chosen: Chosen) -> Place:
    """Return what writes the image of a sample: a copy of its file, or its pixels as PNG."""
    require_images(chosen)
    if chosen.root is not None:
        return _copy
    images_NHWK = load_images(PREPARED, "train")

    def write_pixels(sample: Sample, path: Path) -> None:
        image_HWK = images_NHWK[sample.index]
        grey = image_HWK.shape[-1] == 1
        Image.fromarray(image_HWK[..., 0] if grey else image_HWK).save(path)

    return write_pixels


def _copy(sample: Sample, path: Path) -> None:
    shutil.copy2(sample.path, path)


def _link(sample: Sample, path: Path) -> None:
    path.symlink_to(sample.path)


def require_images(chosen: Chosen) -> None:
    """Stop where the samples are no images.

    Raises:
        DataError: they are not.
    """
    if chosen.params.rules.inputs != "images":
        raise DataError(
            f"samples of {chosen.meta.task} are no images; their forms are csv, text, huggingface"
        )


def file_name(sample: Sample) -> str:
    """Return the name of a sample's file, or one for its pixels."""
    return Path(sample.path).name if sample.path else f"{sample.sample_id.replace('/', '-')}.png"


class Names:
    """Names of files in one folder, none of which is given twice."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def free(self, name: str) -> str:
        """Return the name, or one like it that was not given yet."""
        stem, ending = PurePath(name).stem, PurePath(name).suffix
        # From where the last search ended: a folder may hold the same name thousands of times.
        for number in count(self._next.get(name, 1)):
            found = name if number == 1 else f"{stem}__{number}{ending}"
            if found.casefold() not in self._taken:
                self._taken.add(found.casefold())
                self._next[name] = number + 1
                return found
        raise AssertionError


def _write(chosen: Chosen, output: Path, repeat: bool, place: Place) -> None:
    samples = chosen.picks if repeat else chosen.samples
    if chosen.boxes is None:
        refuse_class_names({sample.label for sample in samples})
    with new_folder(output) as folder:
        if chosen.boxes is None:
            _write_classes(chosen, folder, samples, place)
        else:
            _write_scenes(chosen, folder, samples, place)


def _write_classes(chosen: Chosen, folder: Path, samples: Iterable[Sample], place: Place) -> None:
    names: dict[str, Names] = {}
    for sample in samples:
        if sample.label not in names:
            # Stops where a file system takes two classes for one.
            (folder / sample.label).mkdir()
        free = names.setdefault(sample.label, Names()).free(file_name(sample))
        place(sample, folder / sample.label / free)
    empty = [name for name in chosen.meta.class_names if name not in names]
    if empty:
        sys.stderr.write(
            f"no folder for {len(empty)} classes of which the subset holds nothing, such as "
            f"{empty[0]!r}: ImageFolder numbers classes by their folders\n"
        )


def _write_scenes(chosen: Chosen, folder: Path, samples: list[Sample], place: Place) -> None:
    names = Names()
    file_names = [names.free(file_name(sample)) for sample in samples]
    (folder / "images").mkdir()
    for sample, name in zip(samples, file_names, strict=True):
        place(sample, folder / "images" / name)
    write_json(folder / "annotations.json", coco_file.content(chosen, samples, file_names))


def refuse_class_names(class_names: Iterable[str]) -> None:
    """Stop where a class cannot be a folder.

    Raises:
        DataError: it cannot.
    """
    for name in sorted(class_names):
        if "/" in name or "\0" in name or name.startswith(".") or not name:
            raise DataError(
                f"class {name!r}: is no name of a folder that ImageFolder reads; without /, NUL "
                "or a dot at its beginning it would be"
            )
