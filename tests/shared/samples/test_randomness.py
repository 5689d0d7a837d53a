"""Named random streams."""

import hashlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.shared.samples.randomness import (
    generator,
    permutation_by_id,
    stream_seed,
    uniform_by_id,
)

IDS = [f"class/{number}.png" for number in range(2000)]


def test_a_stream_is_the_same_each_time_and_another_for_another_name():
    names = [(0, "order"), (1, "order"), (0, "augment"), (0, "order", 0), (0, "order", 0, 1)]
    first = [generator(*name).random() for name in names]
    assert first == [generator(*name).random() for name in names]
    assert len(set(first)) == len(names)
    assert stream_seed(0, "order", 1, 23) != stream_seed(0, "order", 12, 3)


@settings(max_examples=30)
@given(st.integers(0, 2**40), st.text(), st.lists(st.integers(-9, 9), max_size=3))
def test_a_stream_seed_fits_a_signed_64_bit_integer(random_seed, purpose, numbers):
    assert 0 <= stream_seed(random_seed, purpose, *numbers) < 2**63


def test_the_number_of_a_sample_is_decided_by_its_id_alone():
    whole = uniform_by_id(IDS, 3, "ties", 1)
    assert np.array_equal(uniform_by_id(IDS[::-1], 3, "ties", 1), whole[::-1])
    assert np.array_equal(uniform_by_id(IDS[500:600], 3, "ties", 1), whole[500:600])


def test_the_number_of_a_sample_is_the_keyed_hash_of_its_id():
    key = stream_seed(3, "ties", 1).to_bytes(8, "little")
    digest = hashlib.blake2b(b"a.png", digest_size=8, key=key).digest()
    expected = (int.from_bytes(digest, "little") >> 11) / 2**53
    assert uniform_by_id(["a.png"], 3, "ties", 1).tolist() == [expected]


@settings(max_examples=30)
@given(st.lists(st.text(), max_size=5))
def test_ids_may_come_one_by_one_and_each_is_hashed_for_itself(sample_ids):
    alone = [uniform_by_id([sample_id], 3, "ties")[0] for sample_id in sample_ids]
    assert uniform_by_id(iter(sample_ids), 3, "ties").tolist() == alone


def test_numbers_of_samples_are_uniform_and_differ_between_streams():
    streams = [uniform_by_id(IDS, *name) for name in ((0, "a"), (1, "a"), (0, "b"), (0, "a", 1))]
    for number_N in streams:
        assert number_N.min() >= 0
        assert number_N.max() < 1
        # 2000 samples in ten bins: 200 +- 13 in each, so +-70 is beyond five standard deviations.
        assert np.all(np.abs(np.histogram(number_N, 10, (0, 1))[0] - 200) < 70)
    correlation = np.corrcoef(streams) - np.eye(len(streams))
    assert np.abs(correlation).max() < 0.12  # five standard deviations


def test_an_id_that_is_no_valid_text_has_a_number_too():
    name = b"\xe9.png".decode("utf-8", "surrogateescape")
    assert 0 <= uniform_by_id([name], 0, "ties")[0] < 1


def test_a_permutation_holds_every_row_once_and_keeps_the_order_of_a_data_set_that_grew():
    order = permutation_by_id(IDS, 0, "permutation")
    assert sorted(order.tolist()) == list(range(len(IDS)))
    before = permutation_by_id(IDS[:1000], 0, "permutation")
    assert order[order < 1000].tolist() == before.tolist()


def test_no_samples_have_an_empty_permutation():
    assert permutation_by_id([], 0, "permutation").shape == (0,)
