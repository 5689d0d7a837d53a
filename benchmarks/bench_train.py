"""Training throughput: our way against the ordinary PyTorch loop, images per second.

    python -m benchmarks.bench_train --prepared data/prepared --write

Ours: `stages.shared.training` as the stages run it, the members side by side in worker processes
of one thread each; uint8 images in memory, augmentation of whole batches, bf16, channels-last.
Ordinary: one member after the other in one process, torch's threads on all cores; fp32, a
DataLoader with two workers, torchvision's RandomCrop, RandomHorizontalFlip, ToTensor and Normalize
of each image, torch.optim.SGD. The network, the batch size and the rates are the same.

Start-up is left out on both sides. Of ours: the start of the processes, the reading of the images
and the whole first epoch, which warms kernels and memory up. Of the ordinary loop: the reading of
the images, the first start of the DataLoader's workers and a few updates. All else within an epoch
counts: shuffling, loading, augmentation, the record of training dynamics, the weights that are
kept, and of the ordinary loop the start of the workers, as it does so in every epoch.
"""

import argparse
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from benchmarks import ordinary, prepared_images, side_by_side
from benchmarks.side_by_side import Seconds
from stages.shared import models
from stages.shared.artifacts import Meta
from stages.shared.prediction.cost import TRAINING_COST
from stages.shared.prediction.flops import forward_flops
from stages.shared.running import dispatch, engine
from stages.shared.settings.training_sections import Sgd, TrainEnsemble
from stages.shared.training import loop
from stages.shared.training.job import Job

WARM_UP = 3  # updates of the ordinary loop before its time begins


@dataclass(frozen=True)
class Work:
    """What both ways train."""

    prepared: Path
    meta: Meta
    settings: TrainEnsemble  # one epoch more than is timed
    loader_workers: int

    @property
    def num_images(self) -> int:
        """How many images a turn of either way trains on, start-up left out."""
        epochs = self.settings.epochs
        assert epochs is not None
        return self.settings.members * (epochs - 1) * self.meta.num_samples["train"]


def main(arguments: list[str] | None = None) -> None:
    """Measure both ways and show the result."""
    parsed = _parse(arguments)
    settings = prepared_images.training_settings(
        [
            f"train_ensemble.{change}"
            for change in (
                f"model={parsed.model}",
                f"members={parsed.members}",
                f"length={{epochs: {parsed.epochs + 1}}}",
                # The ordinary loop does not validate.
                "schedule={name: one_cycle, peak_at: 0.25, start: 0.1}",
                "validations=1",
                "augmentation.scale=[1.0, 1.0]",
            )
        ]
    )
    with tempfile.TemporaryDirectory() as folder:
        meta = prepared_images.write(Path(folder), parsed.images, parsed.prepared)
        work = Work(Path(folder), meta, settings, parsed.loader_workers)
        ways = {"ours": lambda: ours(work), "ordinary": lambda: ordinarily(work)}
        measured = side_by_side.run(ways, parsed.repetitions)
    best = [
        side_by_side.ceiling(dtype, _processes(settings), settings.num_threads, parsed.product)
        for dtype in ("bfloat16", "float32")
    ]
    num = meta.num_samples["train"]
    parts = [
        f"{settings.members} x {settings.model}, {parsed.epochs} epochs of {num} images "
        f"({meta.dataset}), batches of {settings.batch_size}, {parsed.repetitions} turns",
        _conditions(work),
        side_by_side.table(measured, work.num_images, "images"),
        _share(work, side_by_side.median_rate(measured["ours"], work.num_images), *best),
    ]
    side_by_side.show("train", parts, parsed.write)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = side_by_side.parser(__doc__)
    parser.add_argument("--prepared", type=Path, help="data/prepared; without it, generated images")
    parser.add_argument("--images", type=int, default=10_000, help="at most so many train images")
    parser.add_argument("--epochs", type=int, default=1, help="so many are timed in a turn")
    parser.add_argument("--members", type=int, default=2)
    parser.add_argument("--model", default="resnet20")
    parser.add_argument("--loader-workers", type=int, default=2, help="of the ordinary loop")
    parser.add_argument("--product", type=int, default=2048, help="size of the ceiling's matrices")
    return parser.parse_args(arguments)


def _processes(settings: TrainEnsemble) -> int:
    return min(settings.members, engine.num_workers(settings.num_threads))


def _conditions(work: Work) -> str:
    return (
        f"Ours: {_processes(work.settings)} processes, threads of each: "
        f"{work.settings.num_threads}; left out are their start, the reading of the images and the "
        f"first epoch. Ordinary: {engine.num_cores()} threads and {work.loader_workers} loaders; "
        f"left out are the reading of the images and the first {WARM_UP} updates with the first "
        "start of the loaders."
    )


def _share(work: Work, images_per_second: float, best_bf16: float, best_fp32: float) -> str:
    flops = TRAINING_COST * forward_flops(work.settings.model, work.meta) * images_per_second
    return (
        f"Ours does {flops / 1e9:,.0f} GFLOP/s; a large matrix product in as many processes does "
        f"{best_bf16 / 1e9:,.0f} in bf16 and {best_fp32 / 1e9:,.0f} in fp32: "
        f"{flops / best_bf16:.0%} of the bf16 ceiling."
    )


# --- ours -----------------------------------------------------------------------------------------


def ours(work: Work) -> Seconds:
    """Train the members side by side; return the seconds after their first epochs.

    Wall time is that of all members, divided by how many train at once.
    """
    with tempfile.TemporaryDirectory() as folder:
        pieces = [_job(work, member, Path(folder)) for member in range(work.settings.members)]
        marks = dispatch.map_pieces(
            _train_timed,
            pieces,
            threads_per_piece=work.settings.num_threads,
            on_report=lambda number, message: None,
        )
    wall = sum(of[-1].wall - of[0].wall for of in marks) / _processes(work.settings)
    return Seconds(wall, sum(of[-1].processor - of[0].processor for of in marks))


def _job(work: Work, member: int, folder: Path) -> tuple[Job, Path]:
    job = Job(
        task=work.meta.task,
        model=work.settings.model,
        settings=work.settings,
        learning_rate=work.settings.optimizer.learning_rate,
        random_seed=0,
        member=member,
        index_P=np.arange(work.meta.num_samples["train"]),
        prepared=work.prepared,
        meta=work.meta,
        initial_weights=None,
        track="none",
    )
    return job, folder / str(member)


def _train_timed(piece: tuple[Job, Path], report: engine.Report) -> list[Seconds]:
    """Train a member in a worker process; return both clocks at the end of each epoch."""
    job, folder = piece
    marks: list[Seconds] = []
    device = torch.device(engine.device_name())
    loop.train(job, folder, device, lambda epoch, images: marks.append(side_by_side.now()))
    return marks


# --- the ordinary loop ----------------------------------------------------------------------------


def ordinarily(work: Work) -> Seconds:
    """Train one member after the other as a tutorial does; return the seconds of all."""
    # As torch does by itself, unless the environment says otherwise.
    torch.set_num_threads(engine.num_cores())
    parts = [_train_member(work, member) for member in range(work.settings.members)]
    return Seconds(sum(part.wall for part in parts), sum(part.processor for part in parts))


def _train_member(work: Work, member: int) -> Seconds:
    torch.manual_seed(member)
    settings, device = work.settings, torch.device(engine.device_name())
    model = models.build(settings.model, work.meta.num_classes, work.meta.input_shape).to(device)
    assert isinstance(settings.optimizer, Sgd)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=settings.optimizer.learning_rate,
        momentum=settings.optimizer.momentum,
        weight_decay=settings.optimizer.weight_decay,
    )
    loader = DataLoader(
        ordinary.Images(work.prepared, ordinary.random_transform(work.meta)),
        settings.batch_size,
        shuffle=True,
        num_workers=work.loader_workers,
    )
    model.train()
    _train_on(model, optimizer, islice(loader, WARM_UP))
    start = side_by_side.now()
    for _ in range((settings.epochs or 1) - 1):
        _train_on(model, optimizer, loader)
    return side_by_side.since(start)


def _train_on(
    model: nn.Module, optimizer: torch.optim.Optimizer, batches: Iterable[tuple[Tensor, Tensor]]
) -> None:
    device = torch.device(engine.device_name())
    total = 0.0
    for inputs_BKHW, targets_B in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs_BKHW.to(device)), targets_B.to(device))
        loss.backward()  # type: ignore[no-untyped-call] # torch's own
        optimizer.step()
        total += loss.item()


if __name__ == "__main__":
    main()
