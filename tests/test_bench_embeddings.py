"""The benchmark of embeddings, on few of them."""

from benchmarks import bench_embeddings
from benchmarks.bench_embeddings import HEADER


def test_a_small_size_is_measured_and_its_planted_pairs_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(bench_embeddings, "NUM_CLASSES", 20)
    row = dict(zip(HEADER, bench_embeddings.measure(2000, 32, tmp_path), strict=True))
    assert (row["samples"], row["length"], row["method"], row["recall"]) == (2000, 32, "exact", 1.0)
    assert row["planted_found"] > 0.7  # their cosine is about 0.97, in few numbers more or less
    assert row["probe_updates"] == 2
