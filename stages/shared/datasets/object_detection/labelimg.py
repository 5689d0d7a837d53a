"""Images with objects as LabelImg leaves them: beside each image an XML file of its name.

All images below root are read. Where they lie in folders `train` and `test`, perhaps `val` (in any
case, or by a word like them), these are the splits; otherwise they are split at random. Images
without an XML file were not labelled: they are left out and counted on the terminal.
`reading/voc_annotations.py` says what an annotation is. A sample id is the image's path below root.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import PurePosixPath

from stages.shared.datasets.reading.boxes_of_images import Annotated, refuse_params, source_of
from stages.shared.datasets.reading.entries import splits_of_folders
from stages.shared.datasets.reading.sample_files import EXTENSIONS
from stages.shared.datasets.reading.sources import Source
from stages.shared.datasets.reading.visible_files import files_below, require_folder
from stages.shared.datasets.reading.voc_annotations import WrongAnnotationError, read_annotation
from stages.shared.errors import DataError, printable
from stages.shared.running.workspace import located
from stages.shared.settings.sections import Dataset


def load(params: Dataset) -> Source:
    """Return the images below dataset.root that have an XML file, with their boxes.

    Raises:
        DataError: the folder or every object is missing, or only some images lie in splits.
        ParamsError: a parameter is set that such images cannot obey.
    """
    refuse_params(params)
    root = located(params.root)
    require_folder(root)
    files = sorted(files_below(str(root)), key=os.fsencode)
    images, problems = _by_stem(files, EXTENSIONS)
    annotations, twice = _by_stem(files, {".xml"})
    problems += twice
    problems += [
        f"{annotations[stem]!r} has no image beside it"
        for stem in annotations
        if stem not in images
    ]
    without = [name for stem, name in images.items() if stem not in annotations]
    if without and len(without) == len(images):
        other = "LabelImg's other form is dataset.name yolo"
        if annotations:
            other = (
                f"{next(iter(annotations.values()))!r} lies elsewhere; folders JPEGImages and "
                "Annotations are dataset.name voc"
            )
        raise DataError(
            f"{root}: none of {len(without)} images has an XML file beside it, such as "
            f"{without[0]!r}; {other}"
        )
    if without and not problems:
        said = f"left out {len(without)} images without an XML file, such as {without[0]!r}"
        sys.stderr.write(f"{root}: {printable(said)}\n")
    labelled = {stem: name for stem, name in images.items() if stem in annotations}
    splits = splits_of_folders(root, list(labelled.values()))
    found = []
    for stem, name in labelled.items():
        try:
            size, objects = read_annotation(root / annotations[stem])
            found.append(Annotated(name, splits.get(name), size, objects))
        except WrongAnnotationError as error:
            problems.append(f"{annotations[stem]!r} {error}")
    class_names = {each.label for image in found for each in image.objects}
    return source_of(found, sorted(class_names, key=os.fsencode), params, problems)


def _by_stem(
    files: Sequence[str], extensions: frozenset[str] | set[str]
) -> tuple[dict[str, str], list[str]]:
    """Return the files with these endings by their paths without it, and which share one."""
    found: dict[str, str] = {}
    problems = []
    for name in files:
        path = PurePosixPath(name)
        if path.suffix.lower() in extensions:
            stem = path.with_suffix("").as_posix()
            if stem in found:
                problems.append(f"{found[stem]!r} and {name!r} share a name; one is allowed")
            found[stem] = name
    return found, problems
