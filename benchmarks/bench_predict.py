"""Pool prediction: our way against the usual loop, images per second of all voters together.

    python -m benchmarks.bench_predict --prepared data/prepared --write

Ours: `stages.predict_pool` as the stage runs it: all voters loaded, each batch read and normalised
once, reduced to signals on the fly; settings of presets/cifar10.yaml.
Usual: one voter after the other, torch's threads on all cores; weights loaded, a DataLoader with
two workers over the pool, torchvision's ToTensor and Normalize of each image, fp32; probabilities
kept and stacked, and the same signals taken of the stack. Its batches are of 128, at which it is
faster than at ours.

Start-up is left out on both sides: the imports, and one whole call of each way before the first
turn. Each turn counts all else: the weights' loading, and of the usual loop the start of the
DataLoader's workers for each voter; its images lie in memory from the start of a turn.

And the peak memory of our way with few and with many voters, in a fresh process each, without the
weights: a linear classifier of small images, since the claim is about what becomes of outputs. Most
of it is there before anything is predicted, torch above all: this baseline stands beside the peak.

Shapes: N samples, M voters, C classes.
"""

import argparse
import multiprocessing
import resource
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks import ordinary, prepared_images, side_by_side
from benchmarks.side_by_side import Seconds
from stages.predict_pool.pool import Pool
from stages.shared import artifacts, models, tasks
from stages.shared.artifacts import Checkpoint, Ensemble, Meta
from stages.shared.artifacts.weights import load_weights, save_weights
from stages.shared.prediction.flops import forward_flops
from stages.shared.running import dispatch, engine
from stages.shared.samples.randomness import generator
from stages.shared.settings.sections import PredictPool

NUM_SAMPLED = 10_000  # rows of which each voter's entropy is kept, as the stage does
MEMORY_MODEL, MEMORY_SHAPE = "linear", (8, 8, 1)


@dataclass(frozen=True)
class Work:
    """What both ways predict."""

    prepared: Path
    meta: Meta
    ensemble: Path
    model: str
    voters: Sequence[Checkpoint]
    settings: PredictPool

    @property
    def num_predictions(self) -> int:
        """How many images all voters predict together."""
        return len(self.voters) * self.meta.num_samples["train"]


def main(arguments: list[str] | None = None) -> None:
    """Measure both ways and the memory, and show the result."""
    parsed = _parse(arguments)
    settings = prepared_images.prediction_settings(
        [f"predict_pool.batch_size={parsed.batch_size}"] if parsed.batch_size else []
    )
    with tempfile.TemporaryDirectory() as folder:
        speed = _speed(parsed, Path(folder), settings)
    with tempfile.TemporaryDirectory() as folder:
        memory = _memory(parsed, Path(folder), settings)
    side_by_side.show("predict", [*speed, memory], parsed.write)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = side_by_side.parser(__doc__)
    parser.add_argument("--prepared", type=Path, help="data/prepared; without it, generated images")
    parser.add_argument("--images", type=int, default=10_000, help="at most so many train images")
    parser.add_argument("--voters", type=int, default=5)
    parser.add_argument("--model", default="resnet20")
    parser.add_argument("--batch-size", type=int, help="of ours; without it, the preset's")
    parser.add_argument("--loader-workers", type=int, default=2, help="of the usual loop")
    parser.add_argument("--loader-batch", type=int, default=128, help="of the usual loop")
    parser.add_argument("--memory-images", type=int, default=50_000)
    parser.add_argument("--memory-voters", type=int, nargs=2, default=[5, 100])
    parser.add_argument("--product", type=int, default=2048, help="size of the ceiling's matrices")
    return parser.parse_args(arguments)


def _speed(parsed: argparse.Namespace, folder: Path, settings: PredictPool) -> list[str]:
    meta = prepared_images.write(folder / "prepared", parsed.images, parsed.prepared)
    work = prepare(folder, meta, parsed.model, parsed.voters, settings)
    # A process of its own, since the stage changes how its process allocates.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        ways = {
            "ours": lambda: apart.submit(_time_ours, work).result(),
            "usual": side_by_side.timed(
                lambda: usual(work, parsed.loader_workers, parsed.loader_batch)
            ),
        }
        for way in ways.values():
            way()  # what only a first call costs
        measured = side_by_side.run(ways, parsed.repetitions)
    best = side_by_side.ceiling("bfloat16", 1, engine.num_cores(), parsed.product)
    rate = side_by_side.median_rate(measured["ours"], work.num_predictions)
    flops = forward_flops(work.model, meta) * rate
    return [
        f"{parsed.voters} x {parsed.model} on {meta.num_samples['train']} images ({meta.dataset}), "
        f"batches of {settings.batch_size} in {settings.precision}; {parsed.repetitions} turns",
        f"Usual: {engine.num_cores()} threads and {parsed.loader_workers} loaders, batches of "
        f"{parsed.loader_batch} in fp32. Left out of both: imports, and one call before the turns.",
        side_by_side.table(measured, work.num_predictions, "images"),
        f"Ours does {flops / 1e9:,.0f} GFLOP/s; a large bf16 matrix product on as many threads "
        f"does {best / 1e9:,.0f}: {flops / best:.0%} of the ceiling.",
    ]


def prepare(folder: Path, meta: Meta, model: str, num_voters: int, settings: PredictPool) -> Work:
    """Return the work on `folder/prepared`, with an ensemble of untrained voters beside it."""
    voters = [Checkpoint(0, epoch, None, False, True) for epoch in range(1, num_voters + 1)]
    ensemble = folder / f"ensemble-{num_voters}"
    for voter in voters:
        torch.manual_seed(voter.epoch)
        save_weights(ensemble / voter.path, models.build(model, meta.num_classes, meta.input_shape))
    described = Ensemble(model, meta.num_classes, meta.input_shape, voters)
    artifacts.save_ensemble(ensemble, described)
    return Work(folder / "prepared", meta, ensemble, model, voters, settings)


def ours(work: Work) -> dict[str, artifacts.Array]:
    """Predict the pool as the stage does; return the signals."""
    num = work.meta.num_samples["train"]
    pool = Pool(work.prepared, work.meta, work.ensemble, work.voters, work.settings)
    sampled_S = generator(0, "sampled rows").permutation(num)[:NUM_SAMPLED]
    with tempfile.TemporaryDirectory() as folder:
        pool.write_signals(Path(folder), np.sort(sampled_S))
        return artifacts.load_signals(Path(folder), num)


def _time_ours(work: Work) -> Seconds:
    return side_by_side.timed(lambda: ours(work))()


@torch.no_grad()
def usual(work: Work, loader_workers: int, batch_size: int) -> dict[str, artifacts.Array]:
    """Predict the pool voter by voter as a tutorial does; return the signals."""
    # As torch does by itself, unless the environment says otherwise.
    torch.set_num_threads(engine.num_cores())
    device = torch.device(engine.device_name())
    images = ordinary.Images(work.prepared, ordinary.plain_transform(work.meta))
    probs: list[Tensor] = []
    for voter in work.voters:
        model = models.build(work.model, work.meta.num_classes, work.meta.input_shape)
        load_weights(work.ensemble / voter.path, model)
        model.eval().to(device)
        loader = DataLoader(images, batch_size, num_workers=loader_workers)
        parts = [model(inputs.to(device)).softmax(dim=1).cpu() for inputs, _ in loader]
        probs.append(torch.cat(parts))
    targets_N = torch.tensor(images.targets)
    signals = tasks.load(work.meta.task).signals(torch.stack(probs), targets_N)
    return {name: signal.numpy() for name, signal in signals.items()}


# --- memory ---------------------------------------------------------------------------------------


def _memory(parsed: argparse.Namespace, folder: Path, settings: PredictPool) -> str:
    meta = prepared_images.write(folder / "prepared", parsed.memory_images, shape=MEMORY_SHAPE)
    lines = [
        "| voters | baseline MB | peak memory MB | weights MB | peak without weights MB |",
        "|---|---|---|---|---|",
    ]
    remains = []
    for num_voters in parsed.memory_voters:
        work = prepare(folder, meta, MEMORY_MODEL, num_voters, settings)
        weights = sum((work.ensemble / voter.path).stat().st_size for voter in work.voters)
        # A pool of processes of its own for each: a process that is used again keeps its peak.
        ((baseline, peak),) = dispatch.map_pieces(
            _peak_memory, [work], threads_per_piece=1, on_report=lambda number, message: None
        )
        remains.append(peak - weights)
        megabytes = (f"{value / 1e6:.1f}" for value in (baseline, peak, weights, peak - weights))
        lines.append(f"| {num_voters} | {' | '.join(megabytes)} |")
    more = remains[-1] / remains[0] - 1
    cube = 4 * max(parsed.memory_voters) * parsed.memory_images * meta.num_classes
    return (
        f"{parsed.memory_images} samples, {meta.num_classes} classes, {MEMORY_MODEL}:\n\n"
        + "\n".join(lines)
        + f"\n\nMany voters take {more:+.1%} more, baseline included; all probabilities would be "
        f"{cube / 1e6:.0f} MB."
    )


def _peak_memory(work: Work, report: engine.Report) -> tuple[int, int]:
    """Return the most memory of this process before and after its prediction, in bytes."""
    baseline = _most_memory()
    ours(work)
    return baseline, _most_memory()


def _most_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB


if __name__ == "__main__":
    main()
