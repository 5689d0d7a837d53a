"""The user's own images: a folder for each class, or a list of files.

- `root/{train,val,test}/<class>/*`, where val and test may be absent. Other words, in any case, are
  training, testing, valid, validation and dev, also with set, data, split or images after them. A
  folder `train` that holds folders is what makes this layout; ImageNet has it.
- `root/<class>/*`, split at random.
- `dataset.manifest`, a CSV or Parquet file (path,label,split) with paths below root; split is one
  of these words in every row, or empty in every row. A manifest without rows means folders.

Folders of a class may hold more folders; a class may be a link to a folder, links within it are not
followed. Links to folders and files with other endings than those of images are left out and
counted on the terminal; hidden ones and junk are left out in silence (`reading/visible_files.py`).
Where folders can only be classes by mistake they are refused. A manifest's files are all read,
whatever their ending. A sample id is the path below root. Samples and classes stand in the order of
their names' bytes, whatever the file system or the list says.
"""

import os
import sys

import numpy as np

from stages.shared.datasets.reading.sample_files import EXTENSIONS, find
from stages.shared.datasets.reading.source_images import FoundFiles
from stages.shared.datasets.reading.sources import Source
from stages.shared.errors import printable
from stages.shared.running.workspace import located
from stages.shared.settings.sections import Dataset


def load(params: Dataset) -> Source:
    """Return the images below dataset.root; files are decoded when they are written.

    Raises:
        ArtifactError: the manifest is missing or has other columns.
        DataError: there is no image, or the folders or the manifest contradict themselves.
    """
    root = located(params.root)
    entries, labels, notes = find(root, params, EXTENSIONS)
    sys.stderr.writelines(f"{printable(note)}\n" for note in notes)
    entries = sorted(entries, key=lambda entry: os.fsencode(entry.sample_id))
    class_names = sorted(labels, key=os.fsencode)
    numbers = {name: number for number, name in enumerate(class_names)}
    sample_ids = [entry.sample_id for entry in entries]
    splits = [entry.split for entry in entries if entry.split is not None]
    return Source(
        class_names=class_names,
        targets_N=np.array([numbers[entry.label] for entry in entries], dtype=np.int64),
        sample_ids=sample_ids,
        given_splits=splits or None,
        inputs=FoundFiles(root, sample_ids, params.image_size),
    )
