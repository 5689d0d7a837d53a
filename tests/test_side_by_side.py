"""Tests for benchmarks/side_by_side.py and what is measured with it, at tiny size."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from benchmarks import bench_predict, bench_train, ordinary, prepared_images, side_by_side
from benchmarks.side_by_side import Seconds
from stages.shared import artifacts
from stages.shared.artifacts import FileList
from stages.shared.samples.decoding import checksum


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Return the folder that results are written to."""
    monkeypatch.setattr(side_by_side, "RESULTS", tmp_path / "results")
    return tmp_path / "results"


# --- turns ----------------------------------------------------------------------------------------


def test_ways_take_turns_in_both_orders():
    order = []

    def way(name, seconds):
        def measure():
            order.append(name)
            return Seconds(seconds, 2 * seconds)

        return measure

    measured = side_by_side.run({"a": way("a", 1.0), "b": way("b", 3.0)}, repetitions=3)

    assert order == ["a", "b", "b", "a", "a", "b"]
    assert measured == {"a": [Seconds(1.0, 2.0)] * 3, "b": [Seconds(3.0, 6.0)] * 3}


def test_rates_and_ratios_are_medians_with_their_range():
    measured = {
        "ours": [Seconds(1.0, 2.0), Seconds(2.0, 2.0), Seconds(4.0, 2.0)],
        "loop": [Seconds(4.0, 3.0), Seconds(4.0, 8.0), Seconds(4.0, 4.0)],
    }

    assert side_by_side.table(measured, 1000, "images").splitlines() == [
        "| way | images/s | images per processor second |",
        "|---|---|---|",
        "| ours | 500 (250 to 1,000) | 500 (500 to 500) |",
        "| loop | 250 (250 to 250) | 250 (125 to 333) |",
        "",
        "| ratio | wall time | processor time |",
        "|---|---|---|",
        # Turn by turn: 4, 2 and 1 times as fast.
        "| ours : loop | 2.00 (1.00 to 4.00) | 2.00 (1.50 to 4.00) |",
    ]
    assert side_by_side.median_rate(measured["ours"], 1000) == 500


def test_work_takes_time_on_both_clocks(monkeypatch):
    clocks = iter([Seconds(1.0, 1.5), Seconds(4.0, 2.0)])
    monkeypatch.setattr(side_by_side, "now", lambda: next(clocks))
    assert side_by_side.timed(lambda: None)() == Seconds(3.0, 0.5)


def test_results_are_kept_where_it_is_asked_for(results, capsys, monkeypatch):
    monkeypatch.setattr(side_by_side, "hardware", lambda: "Fast (R) CPU @ 3 GHz, 2 cores")
    monkeypatch.setattr(side_by_side, "_today", lambda: "2026-11-21")

    side_by_side.show("train", ["a table"], write=False)
    assert not results.exists()
    side_by_side.show("train", ["a table"], write=True)

    (path,) = results.iterdir()
    assert path.name == "train_fast-r-cpu-3-ghz-2-cores_2026-11-21.md"
    shown = capsys.readouterr().out
    assert shown == 2 * path.read_text()
    assert shown.startswith("# train\n\nFast (R) CPU @ 3 GHz, 2 cores (")
    assert "; 2026-11-21; `python -m benchmarks." in shown


# --- images ---------------------------------------------------------------------------------------


def test_the_first_images_of_a_data_set_are_taken(prepared, tmp_path):
    meta = prepared_images.write(tmp_path, 10, prepared)

    assert meta.num_samples == {"train": 10, "validation": 20, "test": 0}
    assert artifacts.load_meta(tmp_path) == meta
    expected = artifacts.load_inputs(prepared, "train")[:10]
    np.testing.assert_array_equal(artifacts.load_inputs(tmp_path, "train"), expected)


def test_images_that_stay_in_their_files_are_read(prepared, tmp_path):
    source, files = tmp_path / "source", tmp_path / "files"
    meta = artifacts.load_meta(prepared)
    files.mkdir()
    artifacts.save_meta(source, replace(meta, input_shape=[8, 8, 3]))
    for split in ("train", "validation"):
        inputs_NHWK = np.repeat(artifacts.load_inputs(prepared, split)[:12], 3, axis=3)
        names = [f"{split} {row}.png" for row in range(12)]
        for name, pixels_HWK in zip(names, inputs_NHWK, strict=True):
            Image.fromarray(pixels_HWK).save(files / name)
        checksums = np.array([checksum(pixels_HWK) for pixels_HWK in inputs_NHWK])
        listed = FileList(str(files), None, [8, 8, 3], names, checksums)
        artifacts.save_file_list(source, split, listed)
        artifacts.save_targets(source, split, artifacts.load_targets(prepared, split)[:12])

    prepared_images.write(tmp_path / "written", 10, source)

    expected = np.repeat(artifacts.load_inputs(prepared, "train")[:10], 3, axis=3)
    np.testing.assert_array_equal(artifacts.load_inputs(tmp_path / "written", "train"), expected)


def test_an_ordinary_image_is_normalised(tmp_path):
    meta = prepared_images.write(tmp_path, 5)
    image_KHW, target = ordinary.Images(tmp_path, ordinary.plain_transform(meta))[3]

    pixels_HWK = artifacts.load_inputs(tmp_path, "train")[3]
    expected_HWK = (pixels_HWK / 255 - meta.mean) / np.array(meta.std)
    np.testing.assert_allclose(image_KHW.permute(1, 2, 0), expected_HWK, rtol=1e-5, atol=1e-5)
    assert target == artifacts.load_targets(tmp_path, "train")[3]


# --- at tiny size ---------------------------------------------------------------------------------

TINY = ["--images=8", "--repetitions=1", "--model=resnet8", "--loader-workers=0", "--product=16"]


@pytest.mark.slow
@pytest.mark.usefixtures("on_cpu")
def test_training_is_measured(results, capsys):
    bench_train.main([*TINY, "--write"])

    assert "| ours : ordinary |" in capsys.readouterr().out
    (path,) = results.iterdir()
    assert "of the bf16 ceiling." in path.read_text()
    assert "Ordinary: 1 threads and 0 loaders; left out are" in path.read_text()


@pytest.mark.slow
@pytest.mark.usefixtures("on_cpu")
def test_prediction_is_measured(results, capsys):
    sizes = ["--voters=2", "--memory-images=20", "--memory-voters", "1", "3"]
    bench_predict.main([*TINY, *sizes, "--write"])

    assert "| ours : usual |" in capsys.readouterr().out
    (path,) = results.iterdir()
    assert "of the ceiling." in path.read_text()
    (row,) = [line for line in path.read_text().splitlines() if line.startswith("| 3 | ")]
    baseline, peak, *_ = (float(number) for number in row.split(" | ")[1:3])
    assert 0 < baseline <= peak
    assert "threads and 0 loaders, batches of 128 in fp32." in path.read_text()


@pytest.mark.usefixtures("on_cpu")
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 2e-6), ("bf16", 2e-2)])
def test_our_way_and_the_usual_loop_give_the_same_signals(tmp_path, precision, tolerance):
    """Batches, memory layout and precision differ; the loop is an oracle for the stage."""
    meta = prepared_images.write(tmp_path / "prepared", 40)
    settings = prepared_images.prediction_settings(
        [f"predict_pool.precision={precision}", "predict_pool.batch_size=16"]
    )
    work = bench_predict.prepare(tmp_path, meta, "resnet8", 3, settings)

    found, expected = bench_predict.ours(work), bench_predict.usual(work, 0, 7)

    assert list(found) == list(expected)
    for name in ("votes_MN", "predicted_class_N"):
        same = (found.pop(name) == expected.pop(name)).mean()
        assert same == 1 if precision == "fp32" else same > 0.9
    for name, signal in expected.items():
        np.testing.assert_allclose(found[name], signal, atol=tolerance)
