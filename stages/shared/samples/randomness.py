"""Named random streams: every stochastic step has its own, so none moves another.

A stream is named by the random seed, its purpose and numbers such as member and epoch. Streams
over samples depend on the identity of each sample and not on its row, so that a data set that
grew or was reordered keeps the order of the samples it had.

Shapes: N samples.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt


def stream_seed(random_seed: int, purpose: str, *numbers: int) -> int:
    """Return the seed of a named stream, in [0, 2^63)."""
    name = repr((random_seed, purpose, *numbers)).encode()
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little") >> 1


def generator(random_seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """Return the generator of a named stream."""
    return np.random.default_rng(stream_seed(random_seed, purpose, *numbers))


def uniform_by_id(
    sample_ids: Iterable[str], random_seed: int, purpose: str, *numbers: int
) -> npt.NDArray[np.float64]:
    """Return one uniform number in [0, 1) for each sample, decided by its id alone, float64 [N].

    The ids may come one by one: nothing but the numbers is kept of them.
    """
    key = stream_seed(random_seed, purpose, *numbers).to_bytes(8, "little")
    keyed = hashlib.blake2b(digest_size=8, key=key)
    digests = bytearray()
    for sample_id in sample_ids:
        state = keyed.copy()  # faster than a new one
        state.update(sample_id.encode("utf-8", "surrogateescape"))
        digests += state.digest()
    # 53 bits, as many as a float64 holds: rounding can then never reach 1.
    return (np.frombuffer(digests, dtype="<u8") >> np.uint64(11)).astype(np.float64) / 2.0**53


def permutation_by_id(
    sample_ids: Iterable[str], random_seed: int, purpose: str, *numbers: int
) -> npt.NDArray[np.int64]:
    """Return the rows in a random order that depends on the sample ids alone, int64 [N]."""
    return np.argsort(
        uniform_by_id(sample_ids, random_seed, purpose, *numbers), kind="stable"
    ).astype(np.int64)
