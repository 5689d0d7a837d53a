"""Measure what embeddings take as they grow: near duplicates, a probe, and the signals of all.

    python -m benchmarks.bench_embeddings --sizes 10000 20000 40000 --length 768
    python -m benchmarks.bench_embeddings --sizes 1280000 --length 768   # an hour, 2 GB of disk

Generated vectors, float16: classes around points of their own, and one in a hundred once more,
nearly (a cosine of about 0.97). Prints, and with --write adds to benchmarks/results, a line for
each size: processor seconds, the most memory (with pages of the file, which are the system's to
take back), how many of the planted pairs were found, and what the search itself says of its recall.
The probe has one epoch and 1,000 classes, and then predicts every sample. Each size runs in a
process of its own; --parts near_duplicates or probe measures one half.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from commands.preset import presets
from stages.near_duplicates import search
from stages.near_duplicates.all_samples import Compared, Stacked
from stages.shared import artifacts
from stages.shared.artifacts import Array, Meta, Split
from stages.shared.artifacts.formats import create_array
from stages.shared.samples.randomness import generator
from stages.shared.settings.params import check_params

if TYPE_CHECKING:
    from stages.shared.training.job import Trained

Result = TypeVar("Result")

NUM_CLASSES = 1000
PLANTED = 100  # one of so many stands there twice, nearly
NOISE = 0.25  # of the second, in lengths of a vector
BLOCK = 10_000
VALIDATION = 1000
THRESHOLD = 0.95
HEADER = [
    *("samples", "length", "near_duplicates_cpu_s", "method", "recall", "planted_found"),
    *("probe_cpu_s", "probe_updates", "memory_mb", "signals_cpu_s"),
]
PARTS = ("near_duplicates", "probe")


def write_vectors(path: Path, num: int, length: int) -> Array:
    """Write generated vectors [N, D]; the last hundredth are near copies of the first."""
    centres = generator(0, "centres").standard_normal((NUM_CLASSES, length), dtype=np.float32)
    vectors_ND = create_array(path, np.float16, (num, length))
    rng, num_copies = generator(0, "vectors"), num // PLANTED
    for start in range(0, num, BLOCK):
        rows = np.arange(start, min(start + BLOCK, num))
        noise_BD = rng.standard_normal((len(rows), length), dtype=np.float32)
        vectors_ND[rows] = centres[rows % NUM_CLASSES] + noise_BD
    for start in range(0, num_copies, BLOCK):
        rows = np.arange(start, min(start + BLOCK, num_copies))
        noise_BD = rng.standard_normal((len(rows), length), dtype=np.float32)
        near_BD = vectors_ND[rows].astype(np.float32) + NOISE * np.sqrt(2) * noise_BD
        vectors_ND[num - num_copies + rows] = near_BD
    vectors_ND.flush()
    return vectors_ND


def measure(num: int, length: int, folder: Path, parts: Sequence[str] = PARTS) -> dict[str, object]:
    """Return what one size takes, by `HEADER`; nothing of a part that is left out."""
    prepared = folder / "prepared"
    (prepared / "train").mkdir(parents=True)
    write_vectors(prepared / "train/vectors.npy", num, length)
    found: dict[str, object] = {"samples": num, "length": length}
    for name, part in (("near_duplicates", _near_duplicates), ("probe", _probe)):
        found |= part(prepared, num, length) if name in parts else {}
    found["memory_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
    return {name: found.get(name, "") for name in HEADER}


def _near_duplicates(prepared: Path, num: int, _: int) -> dict[str, object]:
    vectors_ND = artifacts.load_vectors(prepared, "train")
    samples = Compared(
        Stacked([vectors_ND]), np.arange(num, dtype=np.uint64), np.zeros(num, dtype=np.bool_)
    )
    found, near_s = _timed(lambda: search.Search(samples, num, THRESHOLD))
    late = np.arange(num - num // PLANTED, num)
    planted = float((found.first_N[late] == found.first_N[late - late[0]]).mean())
    return {
        "near_duplicates_cpu_s": round(near_s, 1),
        "method": found.method,
        "recall": "" if found.recall is None else round(found.recall, 4),
        "planted_found": round(planted, 4),
    }


def _probe(prepared: Path, num: int, length: int) -> dict[str, object]:
    member = prepared.parent / "ensemble"
    trained, probe_s = _timed(lambda: _train(prepared, num, length, member))
    _, signals_s = _timed(lambda: _predict(prepared, member, trained.checkpoints))
    return {
        "probe_cpu_s": round(probe_s, 1),
        "probe_updates": trained.history[-1].updates,
        "signals_cpu_s": round(signals_s, 1),
    }


def _timed(function: Callable[[], Result]) -> tuple[Result, float]:
    began = time.process_time()
    result = function()
    return result, time.process_time() - began


def _train(prepared: Path, num: int, length: int, member: Path) -> "Trained":
    """Train a linear probe for one epoch by the loop of all models."""
    import torch

    from stages.shared.training import loop
    from stages.shared.training.job import Job

    sizes: dict[Split, int] = {"train": num, "validation": VALIDATION}
    for split, count in sizes.items():
        artifacts.save_targets(prepared, split, np.arange(count) % NUM_CLASSES)
        artifacts.save_sample_ids(prepared, split, [f"{split}/{row}" for row in range(count)])
    first = artifacts.load_vectors(prepared, "train")[:VALIDATION]
    artifacts.save_vectors(prepared, "validation", np.float16, first.shape, [first])
    names = [str(number) for number in range(NUM_CLASSES)]
    plain = [0.0] * length, [1.0] * length
    meta = Meta(
        "vector_classification",
        "generated",
        names,
        [length],
        *plain,
        {str(s): n for s, n in sizes.items()},
        "0",
    )
    artifacts.save_meta(prepared, meta)
    content = presets.resolved("embeddings_cpu")
    content["train_ensemble"] |= {"batch_size": 1024, "length": {"epochs": 1}}
    settings = check_params(content).train_ensemble
    job = Job(
        task=meta.task,
        model="linear_probe",
        settings=settings,
        learning_rate=settings.optimizer.learning_rate,
        random_seed=0,
        member=0,
        index_P=np.arange(num),
        prepared=prepared,
        meta=meta,
        initial_weights=None,
        track="none",
    )
    return loop.train(job, member, torch.device("cpu"), lambda *_: None)


def _predict(prepared: Path, member: Path, checkpoints: Sequence[artifacts.Checkpoint]) -> None:
    """Write the signals of every sample as predict_pool does."""
    from stages.predict_pool.pool import Pool

    meta = artifacts.load_meta(prepared)
    settings = check_params(presets.resolved("embeddings_cpu")).predict_pool
    ensemble = artifacts.Ensemble(
        "linear_probe", meta.num_classes, meta.input_shape, [*checkpoints]
    )
    artifacts.save_ensemble(member, ensemble)
    signals = prepared.parent / "signals"
    signals.mkdir()
    last = [checkpoint for checkpoint in checkpoints if checkpoint.is_last]
    pool = Pool(prepared, meta, member, last, settings, False)
    pool.write_signals(signals, np.arange(VALIDATION))


def _in_process(
    num: int, length: int, parts: Sequence[str], queue: "multiprocessing.Queue[dict[str, object]]"
) -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        queue.put(measure(num, length, Path(folder), parts))


def _line(row: Sequence[object]) -> str:
    return ",".join(map(str, row)) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 20_000, 40_000])
    parser.add_argument("--length", type=int, default=768)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--write", type=Path, metavar="FILE", help="add the lines to this table")
    chosen = parser.parse_args(arguments)
    sys.stdout.write(_line(HEADER))
    rows: list[list[object]] = []
    for size in chosen.sizes:
        context = multiprocessing.get_context("spawn")
        queue: multiprocessing.Queue[dict[str, object]] = context.Queue()
        asked = (size, chosen.length, chosen.parts, queue)
        process = context.Process(target=_in_process, args=asked)
        process.start()
        rows.append([*queue.get().values()])
        process.join()
        sys.stdout.write(_line(rows[-1]))
        sys.stdout.flush()
    if chosen.write:
        header: list[Sequence[object]] = [HEADER] if not chosen.write.exists() else []
        with chosen.write.open("a", encoding="utf-8") as file:
            file.writelines(_line(row) for row in [*header, *rows])


if __name__ == "__main__":
    main()
