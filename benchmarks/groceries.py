"""Photographs and a pretrained network: race, selected, random and everything.

    OMP_NUM_THREADS=1 python -m benchmarks.groceries heads --images grocery20 --weights my.pth
    OMP_NUM_THREADS=1 python -m benchmarks.groceries fine_tuned --images grocery20 --weights my.pth
    python -m benchmarks.groceries --show

Heads on the embeddings choose, round by round, hardest first and by a race; targets are heads, or
the network fine-tuned for equal epochs, or for the updates of everything (`fine_tuned_updates`):
as `presets/images_pretrained_cpu.yaml` says, but for longer. A row of the CSV file is one target;
one that is there is not trained again, so a series that was broken off goes on.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import rows
from benchmarks.groceries_runs import Target, Work
from benchmarks.groceries_shown import shown

RESULTS = Path(__file__).parent.absolute() / "results"
HEADER = ("target", "size", "subset", "seed", "accuracy", "updates", "seconds")
SIZES = (0.125, 0.25, 0.5)
SUBSETS = ("selected", "random", "race")
EVERYTHING = "everything"
SEEDS = 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is missing, or show what there is."""
    parsed = _parse(arguments)
    path = parsed.out / f"groceries_{parsed.name}.csv"
    if parsed.show or parsed.target is None:
        sys.stdout.write(shown(rows.load(path)))
        return
    there = {tuple(row[key] for key in HEADER[:4]) for row in rows.load(path)}
    work = Work(parsed.work.absolute(), parsed.images.absolute(), parsed.weights.absolute())
    for size, subset, seed in wanted(parsed.seeds, parsed.sizes, parsed.subsets):
        if (parsed.target, str(size), subset, str(seed)) in there:
            continue
        start = time.process_time()
        found = work.measured(Target(parsed.target, size, subset, seed))
        seconds = round(time.process_time() - start, 1)
        row = (parsed.target, size, subset, seed, f"{found.accuracy:.2f}", found.updates, seconds)
        rows.append(path, HEADER, [row])
        sys.stderr.write(" ".join(map(str, row)) + "\n")


def wanted(
    seeds: int, sizes: Sequence[float], subsets: Sequence[str]
) -> Iterator[tuple[float, str, int]]:
    """Yield size, subset and random seed of each target, all of a seed after each other."""
    for seed in range(seeds):
        if EVERYTHING in subsets:
            yield 1.0, EVERYTHING, seed
        for size in sizes:
            yield from ((size, subset, seed) for subset in subsets if subset != EVERYTHING)


def parser_of(doc: str | None, *, seeds: int, work: str) -> argparse.ArgumentParser:
    """Return the options that the benchmarks of these photographs share."""
    parser = argparse.ArgumentParser(description=doc.split("\n")[0] if doc else "")
    parser.add_argument("--images", type=Path, help="folder with train, val and test")
    parser.add_argument("--weights", type=Path, help="file of EfficientNet-Lite0's weights")
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--work", type=Path, default=Path(work), help="its own folder")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder of the CSV file")
    parser.add_argument("--name", default="amd-epyc-2-cores_2026-11-29", help="of the CSV file")
    parser.add_argument("--show", action="store_true", help="train nothing")
    return parser


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = parser_of(__doc__, seeds=SEEDS, work=".groceries")
    parser.add_argument("target", nargs="?", choices=("heads", "fine_tuned", "fine_tuned_updates"))
    parser.add_argument("--sizes", type=float, nargs="+", default=SIZES)
    parser.add_argument("--subsets", nargs="+", default=(EVERYTHING, *SUBSETS))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
