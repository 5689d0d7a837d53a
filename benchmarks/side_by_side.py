"""Several ways of one piece of work, side by side: alternating, in one run, on one machine.

A way is a function without arguments that returns the seconds it took. The ways take turns, in
the other order every second time, so that what else the machine does meets all of them. Shown are
medians with the least and the greatest; the ratio of two ways is taken turn by turn. On a shared
machine, processor seconds tell more than wall seconds.
"""

import argparse
import datetime
import platform
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import combinations
from pathlib import Path

from stages.shared.running import dispatch, engine

RESULTS = Path(__file__).parent / "results"
CPUINFO = Path("/proc/cpuinfo")
INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16", "asimd", "bf16", "sve")
PRODUCTS = 5  # of which the fastest counts as the ceiling


@dataclass(frozen=True)
class Seconds:
    """What one turn of one way took."""

    wall: float
    processor: float  # of this process and of its children that have ended


Way = Callable[[], Seconds]


def timed(function: Callable[[], object]) -> Way:
    """Return a function as a way: the whole call is timed."""

    def way() -> Seconds:
        start = now()
        function()
        return since(start)

    return way


def now() -> Seconds:
    """Return the present on both clocks."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Seconds(time.monotonic(), sum(part.ru_utime + part.ru_stime for part in used))


def since(start: Seconds) -> Seconds:
    """Return what has passed on both clocks."""
    end = now()
    return Seconds(end.wall - start.wall, end.processor - start.processor)


def run(ways: Mapping[str, Way], repetitions: int) -> dict[str, list[Seconds]]:
    """Return the seconds of each way in each of its turns."""
    measured: dict[str, list[Seconds]] = {name: [] for name in ways}
    for turn in range(repetitions):
        for name in list(ways)[:: -1 if turn % 2 else 1]:
            measured[name].append(ways[name]())
            sys.stderr.write(f"{name}: {measured[name][-1].wall:.2f} s\n")
    return measured


def table(measured: Mapping[str, Sequence[Seconds]], amount: float, unit: str) -> str:
    """Return as Markdown how much of the work each way does in a second, and all ratios.

    Args:
        measured: what `run` returned.
        amount: how much one turn does, in `unit`.
        unit: such as images.
    """
    lines = [f"| way | {unit}/s | {unit} per processor second |", "|---|---|---|"]
    for name, turns in measured.items():
        lines.append(_row(name, *([amount / value for value in part] for part in _clocks(turns))))
    lines += ["", "| ratio | wall time | processor time |", "|---|---|---|"]
    for one, other in combinations(measured, 2):
        lines.append(_row(f"{one} : {other}", *ratios(measured[one], measured[other])))
    return "\n".join(lines)


def ratios(one: Sequence[Seconds], other: Sequence[Seconds]) -> list[list[float]]:
    """Return how many times as fast one way is as the other, turn by turn, on each clock."""
    return [
        [theirs / ours for ours, theirs in zip(*clock, strict=True)]
        for clock in zip(_clocks(one), _clocks(other), strict=True)
    ]


def median_rate(turns: Sequence[Seconds], amount: float) -> float:
    """Return how much of the work is done in a second of wall time."""
    return statistics.median(amount / turn.wall for turn in turns)


def _clocks(turns: Sequence[Seconds]) -> tuple[list[float], list[float]]:
    return [turn.wall for turn in turns], [turn.processor for turn in turns]


def _row(name: str, *columns: Sequence[float]) -> str:
    return f"| {' | '.join([name, *map(_spread, columns)])} |"


def _spread(values: Sequence[float]) -> str:
    median, least, most = map(_number, (statistics.median(values), min(values), max(values)))
    return f"{median} ({least} to {most})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"  # noqa: PLR2004 - three digits


# --- the machine ----------------------------------------------------------------------------------


def ceiling(dtype: str, processes: int, threads: int, size: int = 2048) -> float:
    """Return the FLOP/s of a large matrix product, in as many processes as the work uses.

    Two, a product and a sum, for each of size^3; the fastest of a few, added up over processes.
    """
    pieces = [(dtype, threads, size)] * processes
    found = dispatch.map_pieces(
        _product, pieces, threads_per_piece=threads, on_report=lambda number, message: None
    )
    return sum(found)


def _product(piece: tuple[str, int, int], report: engine.Report) -> float:
    import torch  # here, because not every benchmark needs it

    dtype, threads, size = piece
    torch.set_num_threads(threads)
    device = torch.device(engine.device_name())
    factor = torch.randn(size, size, device=device).to(getattr(torch, dtype))
    seconds = []
    for _ in range(1 + PRODUCTS):  # the first warms up
        start = time.perf_counter()
        product = factor @ factor
        float(product[0, 0])  # waits for a GPU
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds[1:])


def hardware() -> str:
    """Return the device's name and how many cores there are."""
    return f"{device()}, {engine.num_cores()} cores"


def device() -> str:
    """Return the name of the GPU, or else of the processor."""
    if engine.has_gpu():
        import torch

        return torch.cuda.get_device_name()
    return _of_cpu("model name") or platform.machine()


def machine() -> str:
    """Return one line: where, with what, when and by which command a benchmark ran."""
    flags = (_of_cpu("flags") or _of_cpu("Features")).split()
    instructions = " ".join(name for name in INSTRUCTIONS if name in flags)
    versions = f"Python {platform.python_version()}, torch {version('torch')}"
    command = " ".join(["python -m", f"benchmarks.{Path(sys.argv[0]).stem}", *sys.argv[1:]])
    return f"{hardware()} ({instructions}); {versions}; {_today()}; `{command}`"


def _of_cpu(key: str) -> str:
    """Return what Linux says of the first core, or nothing."""
    text = CPUINFO.read_text(encoding="utf-8") if CPUINFO.exists() else ""
    found = re.search(rf"^{key}\s*: (.*)$", text, re.MULTILINE)
    return found[1] if found else ""


def _today() -> str:
    return datetime.datetime.now(tz=datetime.UTC).date().isoformat()


# --- the command line -----------------------------------------------------------------------------


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with what all benchmarks obey; its description is the docstring's head."""
    made = argparse.ArgumentParser(description=(description or "").split("\n")[0])
    made.add_argument("--repetitions", type=int, default=5, help="turns of each way")
    made.add_argument("--write", action="store_true", help="keep what is shown in results/")
    return made


def show(what: str, parts: Iterable[str], write: bool) -> None:
    """Print what a benchmark found, and keep it as `<what>_<hardware>_<date>.md` if asked to."""
    text = "\n\n".join([f"# {what}", machine(), *parts]) + "\n"
    sys.stdout.write(text)
    if write:
        name = re.sub(r"[^a-z0-9]+", "-", hardware().lower()).strip("-")
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{what}_{name}_{_today()}.md").write_text(text, encoding="utf-8")
