"""Image files as batches of pixels: our loader against plain loops, images per second.

    python -m benchmarks.bench_decode --folder data/raw/cifar10 --image-size 32 --write

Ours: `stages.shared.samples.loading`, in a shuffled order, batches that one process
reads; every image's checksum is verified, as training does.
Plain: as many processes, each of which runs our decode in a loop over its share of the files and
keeps nothing. And the same with torchvision: decode_jpeg, the middle square, resize (bicubic,
antialiased).

Without a folder: 2,000 generated JPEGs of 500x375 pixels, decoded to 224.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped] # DVC brings it along
from PIL import Image

from benchmarks import side_by_side
from benchmarks.side_by_side import Seconds
from stages.shared.artifacts import FileList
from stages.shared.running.engine import num_loaders
from stages.shared.samples.decoding import checksum, decode
from stages.shared.samples.loading import ImageFiles, in_batches
from stages.shared.samples.randomness import generator

WIDTH, HEIGHT = 500, 375  # of generated images, as many of ImageNet's are
BATCH = 128
TICK = 0.01  # seconds; processor time is counted in these

Loop = Callable[[Sequence[Path], int], None]


def main(arguments: list[str] | None = None) -> None:
    """Measure all ways and show the result."""
    parsed = _parse(arguments)
    with tempfile.TemporaryDirectory() as folder:
        root = parsed.folder or _generate(Path(folder), parsed.images)
        paths = sorted(path for path in root.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
        order = generator(0, "benchmark's order").permutation(len(paths))[: parsed.images]
        paths = [paths[row] for row in order]
        measured = _measure(root, paths, parsed.image_size, parsed.repetitions)
    origin = "generated" if parsed.folder is None else f"of {parsed.folder.name}"
    side_by_side.show(
        "decode",
        [
            f"{len(paths)} JPEGs, {origin}, decoded to {parsed.image_size} pixels by "
            f"{num_loaders()} processes; {parsed.repetitions} turns. Processor time is that of all "
            "processes.",
            side_by_side.table(measured, len(paths), "images"),
        ],
        parsed.write,
    )


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = side_by_side.parser(__doc__)
    parser.add_argument("--folder", type=Path, help="of JPEGs; without it, generated ones")
    parser.add_argument("--images", type=int, default=2_000, help="at most so many")
    parser.add_argument("--image-size", type=int, default=224)
    return parser.parse_args(arguments)


def _generate(folder: Path, num: int) -> Path:
    """Write photographs of a kind: coarse shapes, fine noise."""
    rng = generator(0, "generated JPEGs")
    for number in range(num):
        coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.float32)
        noisy = smooth + rng.normal(0, 6, smooth.shape)
        image = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
        image.save(folder / f"{number:05d}.jpg", quality=90)
    return folder


def _measure(
    root: Path, paths: Sequence[Path], image_size: int, repetitions: int
) -> dict[str, list[Seconds]]:
    num = num_loaders()
    # Their start is not what is measured, so they stay, and so do those of our loader.
    with ProcessPoolExecutor(num, get_context("forkserver")) as pool:
        files = _files(root, paths, image_size)
        ways: dict[str, Callable[[], object]] = {
            "loader": partial(_load, files),
            "plain loops": partial(_run, pool, num, plain_loop, paths, image_size),
            "torchvision's": partial(_run, pool, num, torchvision_loop, paths, image_size),
        }
        for way in ways.values():
            way()  # what only a first call costs
        timed = {name: partial(_timed, way) for name, way in ways.items()}
        return side_by_side.run(timed, repetitions)


def _timed(function: Callable[[], object]) -> Seconds:
    """Return what a call takes, processor seconds of processes that go on to run included."""
    start, used = side_by_side.now(), _used()
    function()
    return Seconds(side_by_side.since(start).wall, max(TICK, _used() - used))


def _used() -> float:
    this = psutil.Process()
    times = [process.cpu_times() for process in (this, *this.children(recursive=True))]
    return sum(part.user + part.system for part in times)


# --- ours -----------------------------------------------------------------------------------------


def _files(root: Path, paths: Sequence[Path], image_size: int) -> ImageFiles:
    names = [path.relative_to(root).as_posix() for path in paths]
    checksums = [checksum(decode(path, image_size)) for path in paths]
    shape = [image_size, image_size, 3]
    return ImageFiles(FileList(str(root), image_size, shape, names, np.array(checksums)))


def _load(files: ImageFiles) -> None:
    rows = [slice(start, start + BATCH) for start in range(0, len(files), BATCH)]
    for _ in in_batches(files, rows):
        pass


# --- plain ----------------------------------------------------------------------------------------


def _run(
    pool: ProcessPoolExecutor, num: int, loop: Loop, paths: Sequence[Path], image_size: int
) -> None:
    running = [pool.submit(loop, paths[part::num], image_size) for part in range(num)]
    for future in running:
        future.result()


def plain_loop(paths: Sequence[Path], image_size: int) -> None:
    """Decode files as we do."""
    for path in paths:
        decode(path, image_size)


def torchvision_loop(paths: Sequence[Path], image_size: int) -> None:
    """Decode files as torchvision does."""
    import torch  # here, because the others need none
    from torchvision.io import ImageReadMode, decode_jpeg, read_file
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2 import functional as transforms

    torch.set_num_threads(1)
    for path in paths:
        image_KHW = decode_jpeg(read_file(str(path)), ImageReadMode.RGB)
        edge = min(image_KHW.shape[1:])
        if tuple(image_KHW.shape[1:]) == (image_size, image_size):
            continue
        square_KHW = transforms.center_crop(image_KHW, [edge, edge])
        transforms.resize(square_KHW, [image_size], InterpolationMode.BICUBIC, antialias=True)


if __name__ == "__main__":
    main()
