"""A subset of this project and all that is known of its samples.

Shapes: N train samples, P picks.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from commands.same_data import require_same_data
from stages.shared import artifacts
from stages.shared.artifacts import BoxList, Meta, Subset
from stages.shared.errors import DataError, ParamsError
from stages.shared.running.workspace import located
from stages.shared.settings.params import Params, load_params

PREPARED = Path("data/prepared")


@dataclass(frozen=True)
class Sample:
    """One sample of the subset, however often it was picked."""

    index: int  # row of the train split
    sample_id: str
    path: str  # of its file, absolute; empty: it has none
    label: str  # its class; empty: it has no single one
    picks: int
    round: int  # of the first pick, as the score
    score: float  # NaN where no score chose it


@dataclass(frozen=True)
class Chosen:
    """A subset, its samples and their data set."""

    name: str
    params: Params
    meta: Meta
    root: Path | None  # absolute; every sample id is a file below it; None: there are no files
    subset: Subset
    samples: list[Sample]  # each once, in the order of their first picks
    boxes: BoxList | None  # of the whole train split, where there are some

    @property
    def picks(self) -> list[Sample]:
        """A sample for each pick, in the order of picking."""
        sample_of = {sample.index: sample for sample in self.samples}
        return [sample_of[index] for index in self.subset.index_P.tolist()]


def load_chosen(name: str | None, seed: int | None = None) -> Chosen:
    """Return a subset that params.yaml names, or without a name that of the last round.

    Of the draw of a random seed, or of the first.

    Raises:
        ArtifactError: a file is missing or damaged.
        DataError: some of its image files are missing, or it is of other data (`same_data`).
        ParamsError: there is no such subset, or the data was prepared with other params.
    """
    params, meta = load_params(), artifacts.load_meta(PREPARED)
    _require_prepared(params, meta)
    name = str(params.sizes[-1]) if name is None else name
    path = _path_of(name, _draw(params, seed))
    require_same_data(str(path), as_written=True)
    sample_ids = artifacts.load_sample_ids(PREPARED, "train")
    subset = artifacts.load_subset(path, len(sample_ids))
    root = _root_of_files(params, [sample_ids[index] for index in subset.index_P.tolist()])
    return Chosen(
        name=name,
        params=params,
        meta=meta,
        root=root,
        subset=subset,
        samples=_samples(params, meta, root, sample_ids, subset),
        boxes=artifacts.load_train_boxes(PREPARED),
    )


def _require_prepared(params: Params, meta: Meta) -> None:
    for key, found, wanted in (
        ("task", meta.task, params.task),
        ("dataset.name", meta.dataset, params.dataset.name),
    ):
        if found != wanted:
            raise ParamsError(
                f"params.yaml: {key} is {wanted}; {PREPARED} holds {found}, so run `dvc repro`"
            )


def _draw(params: Params, seed: int | None) -> Params:
    if seed is None:
        return params
    draws = {draw.random_seed: draw for draw in params.draws}
    if seed not in draws:
        raise ParamsError(f"--seed is {seed}; params.yaml asks for {', '.join(map(str, draws))}")
    return draws[seed]


def _path_of(name: str, params: Params) -> Path:
    folders = {
        **{str(size): f"data/subsets/{size}" for size in params.sizes},
        **{compared: f"data/comparison/{compared}" for compared in params.compare.subsets},
    }
    paths = {name: Path(folder) / f"{params.draw}.csv" for name, folder in folders.items()}
    if name not in paths:
        raise ParamsError(f"--subset is {name!r}; params.yaml names {', '.join(paths)}")
    return paths[name]


def _root_of_files(params: Params, sample_ids: Sequence[str]) -> Path | None:
    """Return the folder in which every sample id is the path of a file; None: none of them is."""
    is_listed = artifacts.has_file_list(PREPARED, "train")
    given = artifacts.load_file_list(PREPARED, "train").root if is_listed else params.dataset.root
    # Without .. but with links as they are: other libraries' paths have to be the same.
    root = os.path.abspath(located(given))  # noqa: PTH100 - Path has nothing that does so
    # No Path for each: of a million that is most of the work.
    missing = [name for name in sample_ids if not os.path.isfile(f"{root}/{name}")]  # noqa: PTH113
    if not missing:
        return Path(root)
    if len(missing) == len(sample_ids) and not is_listed:
        sys.stderr.write(
            f"note: {root} holds no files of samples; they are known by their ids alone\n"
        )
        return None
    raise DataError(
        f"{root}: {missing[0]!r} is missing ({len(missing)} of {len(sample_ids)} picks are); the "
        "files must be where `prepare` found them"
    )


def _samples(
    params: Params, meta: Meta, root: Path | None, sample_ids: Sequence[str], subset: Subset
) -> list[Sample]:
    class_N = artifacts.load_targets(PREPARED, "train").tolist()
    has_labels = params.rules.has_labels
    places: dict[int, list[int]] = {}  # of each sample, in the order of picking
    for place, index in enumerate(subset.index_P.tolist()):
        places.setdefault(index, []).append(place)
    return [
        Sample(
            index=index,
            sample_id=sample_ids[index],
            path=f"{root}/{sample_ids[index]}" if root else "",
            label=meta.class_names[class_N[index]] if has_labels else "",
            picks=len(found),
            round=int(subset.round_P[found[0]]),
            score=float(subset.score_P[found[0]]),
        )
        for index, found in places.items()
    ]
