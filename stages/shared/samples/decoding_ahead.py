"""Image files decoded ahead of need, by processes that write into memory shared with this one.

How many there are (`SUBSET_LOADERS`, or one for each core; 1: this one alone) decides no bytes.
Processes, not threads: Pillow's own part of a small image is Python.

Shapes: B batch, H x W pixels.
"""

import math
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, cycle, islice, tee
from multiprocessing.heap import Arena
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.shared.errors import DataError
from stages.shared.running.engine import num_loaders
from stages.shared.running.processes import Call, Process, ProcessKilledError
from stages.shared.samples.decoding import ImageSize, Pixels, checksum, decode_or_describe

# Of pixels: a job that a process decodes without asking, a part of a second of work.
JOB_BYTES = 2**20
# And all that is decoded ahead of need.
AHEAD_BYTES = 128 * 2**20


@dataclass(frozen=True)
class Files:
    """Some image files, and what is to become of them."""

    root: Path
    names: Sequence[str]  # paths below root
    image_size: ImageSize
    image_shape: tuple[int, ...]  # H, W, 3 of each, then
    checksums: Sequence[int] | None = None  # of the pixels of each; None: not known yet

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self.names)

    def __getitem__(self, rows: slice) -> "Files":
        """Return some of the files."""
        checksums = None if self.checksums is None else self.checksums[rows]
        return replace(self, names=self.names[rows], checksums=checksums)

    @property
    def image_bytes(self) -> int:
        """How many bytes of pixels each file becomes."""
        return math.prod(self.image_shape)

    def jobs(self) -> Iterator["Files"]:
        """Yield the files in parts that fill `JOB_BYTES`, one file each at least."""
        step = max(1, JOB_BYTES // self.image_bytes)
        for start in range(0, len(self), step):
            yield self[start : start + step]


class Decoded(NamedTuple):
    """Images of some files; where there are problems they are not to be used."""

    images_BHWK: Pixels
    problems: list[str]  # what is wrong with the files, a text for each problem


def decoded(batches: Iterable[Files]) -> Iterator[Decoded]:
    """Yield the images of each batch of files, in order, decoded ahead of need.

    Raises:
        DataError: a process was killed.
    """
    begun, finished = tee(batches)
    parts = _decoded_jobs(job for batch in begun for job in batch.jobs())
    for batch in finished:
        images_BHWK = np.empty((len(batch), *batch.image_shape), dtype=np.uint8)
        problems: list[str] = []
        start = 0
        for job in batch.jobs():
            part = next(parts)
            images_BHWK[start : start + len(job)] = part.images_BHWK
            start += len(job)
            problems += part.problems
        yield Decoded(images_BHWK, problems)


def _decoded_jobs(jobs: Iterator[Files]) -> Iterator[Decoded]:
    """Yield the images of each job; they last until the next is asked for."""
    first = list(islice(jobs, 2))
    workers = num_loaders()
    if workers == 1 or len(first) < 2:  # noqa: PLR2004 - one job is not worth a process
        yield from map(_decode, chain(first, jobs))
        return
    try:
        decoders = _decoders(workers, max(JOB_BYTES, first[0].image_bytes))
        yield from decoders.decoded(chain(first, jobs))
    except ProcessKilledError:
        _decoders.cache_clear()
        raise DataError(
            f"{first[0].root}: a process that decoded images was killed; perhaps memory is full"
        ) from None


class _Decoders:
    """Processes that decode into slots of shared memory, which bounds what is decoded ahead."""

    def __init__(self, workers: int, slot_bytes: int) -> None:
        num_slots = max(2 * workers, AHEAD_BYTES // slot_bytes)
        memory = _shared_memory(num_slots * (slot_bytes + 1))
        self._slots = _Slots(memory, slot_bytes)
        self._slots.is_wanted[:] = True
        self._free = list(range(num_slots))
        self.processes = [
            Process([__name__], _start, [memory, slot_bytes])  # no torch there
            for _ in range(workers)
        ]
        self._in_turn = cycle(self.processes)

    def decoded(self, jobs: Iterable[Files]) -> Iterator[Decoded]:
        waiting = iter(jobs)
        running: deque[tuple[Files, int, Call[list[str]]]] = deque()
        try:
            self._begin(waiting, running)
            while running:
                job, slot, problems = running[0]
                yield Decoded(self._slots.images(slot, job), problems.result())
                running.popleft()
                self._free.append(slot)
                self._begin(waiting, running)
        finally:  # the reader may have had enough
            slots = [slot for _, slot, _ in running]
            self._slots.is_wanted[slots] = False
            with suppress(ProcessKilledError):  # who gives up has a reason of its own
                for _, _, problems in running:
                    problems.result()
            self._slots.is_wanted[slots] = True
            self._free += slots
        # Some are left where another reader, not at its end yet, holds all the slots.
        yield from map(_decode, waiting)

    def _begin(
        self, waiting: Iterator[Files], running: deque[tuple[Files, int, Call[list[str]]]]
    ) -> None:
        for job in islice(waiting, len(self._free)):
            slot = self._free.pop()
            call = next(self._in_turn).call(_decode_into_slot, job, slot)
            running.append((job, slot, call))


def _shared_memory(num_bytes: int) -> Arena:
    """Return memory for processes that are started with it.

    It has no name: nothing is left behind, whoever is killed. On Linux it does not lie in /dev/shm
    either, of which containers have little: who writes beyond that dies of SIGBUS.
    """
    try:
        file = os.memfd_create("decoded")
    except (AttributeError, OSError):  # another system; a sandbox that knows no such call
        return Arena(num_bytes)
    os.ftruncate(file, num_bytes)
    return Arena(num_bytes, file)


class _Slots:
    """The parts of shared memory, and of each whether somebody still waits for its images."""

    def __init__(self, memory: Arena, slot_bytes: int) -> None:
        all_bytes = np.frombuffer(memory.buffer, dtype=np.uint8)
        num_slots = len(all_bytes) // (slot_bytes + 1)
        self._bytes = all_bytes[: num_slots * slot_bytes].reshape(num_slots, slot_bytes)
        self.is_wanted = all_bytes[num_slots * slot_bytes :].view(np.bool_)

    def images(self, slot: int, job: Files) -> Pixels:
        """Return the part of a slot that a job fills, uint8 [B, H, W, 3]."""
        shape = (len(job), *job.image_shape)
        return self._bytes[slot, : math.prod(shape)].reshape(shape)


# One set of them serves all that a process reads.
@cache
def _decoders(workers: int, slot_bytes: int) -> _Decoders:
    return _Decoders(workers, slot_bytes)


_slots: _Slots  # of a decoding process


def _start(memory: Arena, slot_bytes: int) -> None:
    global _slots
    _slots = _Slots(memory, slot_bytes)


def _decode_into_slot(job: Files, slot: int) -> list[str]:
    if not _slots.is_wanted[slot]:
        return []
    return _decode_into(_slots.images(slot, job), job)


def _decode(job: Files) -> Decoded:
    images_BHWK = np.empty((len(job), *job.image_shape), dtype=np.uint8)
    return Decoded(images_BHWK, _decode_into(images_BHWK, job))


def _decode_into(images_BHWK: Pixels, job: Files) -> list[str]:
    """Decode files into an array; return what is wrong with them."""
    problems = []
    for place, name in enumerate(job.names):
        image_HWK = decode_or_describe(job.root, name, job.image_size)
        if isinstance(image_HWK, str):
            problems.append(image_HWK)
        elif image_HWK.shape != job.image_shape:
            height, width, _ = image_HWK.shape
            wanted = f"{job.image_shape[1]}x{job.image_shape[0]}"
            problems.append(f"{name!r} is {width}x{height}, not {wanted} as the first image")
        elif job.checksums is not None and checksum(image_HWK) != job.checksums[place]:
            problems.append(f"{name!r} has changed since prepare read it")
        else:
            images_BHWK[place] = image_HWK
    return problems
