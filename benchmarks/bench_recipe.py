"""A recipe with one thing changed at a time: what each change is worth, and what it costs.

    python -m benchmarks.bench_recipe --prepared data/prepared --random-seeds 0 1 2 3 4

Trains the ensemble's member 0 of a preset on a random subset of prepared data, once for each row
and random seed, side by side in worker processes as the stages do. A row changes one setting of the
base recipe; the last one all that won. Rows of a random seed share subset, first weights, order and
augmentation, and are measured on the same other train samples: neither validation nor test is read
for it. Shown are accuracies and the paired difference to the base with its standard error and the
half width of the 95 % t-interval over the random seeds, in points, and medians of what a training
took. Mirrored views double the cost of prediction, which the FLOPs leave out. What won was chosen
on the very random seeds that are shown. Each training is kept in `--work`: the same command goes on
where a run was broken off.

The data are prepared by `python -m commands.preset cifar10_cpu && dvc repro prepare`.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML

from benchmarks import clones
from benchmarks import rows as csv_rows
from benchmarks.recipes import VIEWS, Row, Shown, all_winners, rows, table
from stages.shared import artifacts
from stages.shared.artifacts import Ints
from stages.shared.artifacts.files import write_atomically
from stages.shared.running import dispatch, engine
from stages.shared.samples.randomness import permutation_by_id
from stages.shared.settings.params import check_params
from stages.shared.settings.training_sections import TrainEnsemble
from stages.shared.training.job import Job

BATCH = 500
PREDICTION = Path(__file__).parent.parent / "stages/shared/prediction/forward_passes.py"
HEADER = (
    *("model", "samples", "epochs", "recipe", "random_seed", "accuracy", "accuracy_mirrored"),
    *("images", "processor_seconds"),
)


@dataclass(frozen=True)
class Piece:
    """One training, and the train rows that it is measured on."""

    job: Job
    measured_N: Ints
    results: Path


def main() -> None:
    """Train what is not there yet, and print the table."""
    arguments = _parse()
    base = settings(arguments)
    chosen = [
        row
        for row in rows(base)
        if row.name == "base" or not arguments.rows or row.name in arguments.rows
    ]
    found = train(arguments, chosen)
    if winner := all_winners(chosen, found):
        found |= train(arguments, [winner])
        chosen = [*chosen, winner]
    if arguments.out:
        arguments.out.unlink(missing_ok=True)
        csv_rows.append(arguments.out, HEADER, trainings(arguments, chosen, found))
    print(
        f"{arguments.model}, {arguments.samples} samples, {arguments.epochs} epochs, random seeds "
        f"{arguments.random_seeds}, {arguments.measured} measured, settings {arguments.set}"
    )
    print(table(chosen, found))
    print(
        "FLOPs are those of training alone: mirrored views double the cost of each prediction. "
        "What won was chosen on the random seeds shown, so its own row flatters it."
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--prepared", type=Path, default=Path("data/prepared"))
    parser.add_argument("--preset", type=Path, default=Path("presets/cifar10_cpu.yaml"))
    parser.add_argument("--model", default="resnet8_stride2")
    parser.add_argument("--samples", type=int, default=10_000, help="of the random subset")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--measured", type=int, default=10_000, help="other samples to measure on")
    parser.add_argument("--random-seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--rows", nargs="*", default=[], help="these only, and the base")
    parser.add_argument("--set", nargs="*", default=[], help="of the base: label_smoothing=0.1")
    parser.add_argument("--work", type=Path, default=Path(".bench_recipe"), help="the results")
    parser.add_argument("--out", type=Path, help="write each training as a row of CSV")
    return parser.parse_args()


def settings(arguments: argparse.Namespace, changes: Sequence[str] = ()) -> TrainEnsemble:
    """Return how the preset's ensemble is trained, with settings changed, and checked."""
    fixed = [
        f"length={{epochs: {arguments.epochs}}}",
        "validations=1",
        "checkpoints={last: 1, every: 1, best: false}",
    ]
    changed = [f"train_ensemble.{change}" for change in (*fixed, *arguments.set, *changes)]
    text = clones.changed(clones.settings(arguments.preset), changed)
    return check_params(YAML(typ="safe").load(text), arguments.preset).train_ensemble


def train(arguments: argparse.Namespace, chosen: Sequence[Row]) -> dict[str, list[Shown]]:
    """Return, by name of the row, what its trainings show, one for each random seed."""
    # All rows of a random seed, then the next: what is broken off has pairs.
    asked = {(seed, row.changes): None for seed in arguments.random_seeds for row in chosen}
    pieces = [_piece(arguments, seed, changes) for seed, changes in asked]
    shown = dispatch.map_pieces(
        train_and_measure,
        pieces,
        threads_per_piece=settings(arguments).num_threads,
        on_report=lambda number, text: print(f"{number + 1} of {len(pieces)}: {text}", flush=True),
    )
    of_training = dict(zip(asked, shown, strict=True))
    return {
        row.name: [of_training[seed, row.changes] for seed in arguments.random_seeds]
        for row in chosen
    }


def _piece(arguments: argparse.Namespace, seed: int, changes: Sequence[str]) -> Piece:
    prepared = arguments.prepared.absolute()
    changed = settings(arguments, changes)
    order_N = permutation_by_id(artifacts.load_sample_ids(prepared, "train"), seed, "recipe")
    subset_N, rest_N = np.split(order_N, [arguments.samples])
    job = Job(
        task="image_classification",
        model=arguments.model,
        settings=changed,
        learning_rate=changed.optimizer.learning_rate,
        random_seed=seed,
        member=0,
        index_P=np.sort(subset_N),
        prepared=prepared,
        meta=artifacts.load_meta(prepared),
        initial_weights=None,
        track="none",
    )
    return Piece(job, np.sort(rest_N[: arguments.measured]), arguments.work.absolute())


def train_and_measure(piece: Piece, report: engine.Report) -> Shown:
    """Return what a training shows; from its file where it was made before. Runs in a worker."""
    import torch

    from stages.shared.members import fingerprints
    from stages.shared.members.job_fingerprints import job_fingerprint
    from stages.shared.training import loop

    device = engine.device_name()
    # What decides the trained member, and the code that measures it.
    parts = job_fingerprint(piece.job, device), fingerprints.code_fingerprint([PREDICTION])
    name = f"{'-'.join(parts)}-{len(piece.measured_N)}.json"
    if not (piece.results / name).exists():
        with tempfile.TemporaryDirectory() as temporary:
            start, processor_start = time.perf_counter(), time.process_time()
            trained = loop.train(
                piece.job, Path(temporary), torch.device(device), lambda *event: None
            )
            taken = {
                "seconds": time.perf_counter() - start,
                "processor_seconds": time.process_time() - processor_start,
            }
            last = trained.history[-1]
            weights = Path(temporary) / trained.checkpoints[-1].path
            accuracy = _accuracies(piece, weights)
        shown = {"accuracy": accuracy, "images": last.images_seen, "flops": last.flops, **taken}
        piece.results.mkdir(parents=True, exist_ok=True)
        write_atomically(piece.results / name, json.dumps(shown).encode())
        report(f"{accuracy['identity']:.2%} in {taken['seconds']:.0f} s")
    content: Shown = json.loads((piece.results / name).read_text(encoding="utf-8"))
    return content


def _accuracies(piece: Piece, weights: Path) -> dict[str, float]:
    """Return the accuracy on the measured samples, by the views that are averaged."""
    import torch

    from stages.shared import models, tasks
    from stages.shared.artifacts.weights import load_weights
    from stages.shared.networks.batches import load_samples, normalise
    from stages.shared.prediction import forward_passes

    job, device = piece.job, torch.device(engine.device_name())
    model = models.build(job.model, job.meta.num_classes, job.meta.input_shape)
    load_weights(weights, model)
    model = model.eval().to(device).to(memory_format=torch.channels_last)
    samples = load_samples(job.prepared, "train", device, piece.measured_N)
    task, right = tasks.load(job.task), dict.fromkeys(VIEWS, 0)
    parts = torch.split(torch.arange(len(samples), device=device), BATCH)
    for rows_B, images_BHWK in zip(parts, samples.in_batches(parts), strict=True):
        inputs_BKHW = normalise(images_BHWK, job.meta)
        made = forward_passes.forward(task, model, inputs_BKHW, "fp32")
        probabilities = partial(forward_passes.probabilities, task, made)
        for name, views in VIEWS.items():
            correct, _ = task.right_and_all(probabilities(views), samples.targets_N[rows_B])
            right[name] += int(correct)
    return {name: count / len(samples) for name, count in right.items()}


def trainings(
    arguments: argparse.Namespace, chosen: Sequence[Row], found: dict[str, list[Shown]]
) -> list[list[object]]:
    """Return a row for each training, as HEADER says; accuracies in points."""
    return [
        [
            *(arguments.model, arguments.samples, arguments.epochs, row.name, seed),
            *(round(100 * shown["accuracy"][views], 2) for views in VIEWS),
            *(shown["images"], round(shown["processor_seconds"], 1)),
        ]
        for row in chosen
        for seed, shown in zip(arguments.random_seeds, found[row.name], strict=True)
        if row.views == "identity" or len(row.changes) > 0  # else it is the base's training
    ]


if __name__ == "__main__":
    main()
