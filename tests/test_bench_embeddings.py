"""The benchmark of embeddings, on few of them."""

from benchmarks import bench_embeddings
from benchmarks.bench_embeddings import HEADER


def test_a_small_size_is_measured_and_its_planted_pairs_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(bench_embeddings, "NUM_CLASSES", 20)
    row = bench_embeddings.measure(2000, 32, tmp_path)
    assert list(row) == HEADER
    assert (row["samples"], row["length"], row["method"], row["recall"]) == (2000, 32, "exact", 1.0)
    assert row["planted_found"] > 0.7  # their cosine is about 0.97, in few numbers more or less
    assert row["probe_updates"] == 2
    assert (tmp_path / "signals/votes_MN.npy").exists()


def test_a_part_that_is_left_out_leaves_its_columns_empty(tmp_path, monkeypatch):
    monkeypatch.setattr(bench_embeddings, "NUM_CLASSES", 20)
    row = bench_embeddings.measure(200, 8, tmp_path, ["near_duplicates"])
    assert (row["method"], row["probe_cpu_s"], row["signals_cpu_s"]) == ("exact", "", "")
