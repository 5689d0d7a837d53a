"""Texts in a data set of Hugging Face's `datasets`: a folder of save_to_disk, or Parquet files.

The column of texts is `text`, or the only one of strings beside those of labels and sample ids;
`reading/labelled_tables.py` says more.
"""

from typing import Any

from stages.shared.datasets.reading.labelled_tables import load_table
from stages.shared.datasets.reading.source_texts import gathered
from stages.shared.datasets.reading.sources import Source
from stages.shared.settings.sections import Dataset

BRINGS_IDS = True  # samples may have names that are not their rows


def load(params: Dataset) -> Source:
    """Return the texts of the data set below dataset.root.

    Raises:
        DataError: there is none, or it has no column of texts or of labels.
    """
    table = load_table(params)
    column = table.only("texts", "text", _is_string)
    class_names, targets_N, problems = table.classes()
    texts = ["" if text is None else text.strip() for text in table.column(column)]
    empty = [name for name, text in zip(table.sample_ids, texts, strict=True) if not text]
    return Source(
        class_names=class_names,
        targets_N=targets_N,
        sample_ids=table.sample_ids,
        given_splits=table.given_splits,
        inputs=gathered(texts),
        problems=[*problems, *(f"{name!r} has an empty text" for name in empty)],
    )


def _is_string(kind: Any) -> bool:
    return getattr(kind, "dtype", None) in {"string", "large_string"}
