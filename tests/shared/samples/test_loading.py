"""The images of a split are the same wherever they lie, and files are decoded ahead of need."""

import os
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import toy
from PIL import Image
from shared import called

from stages.shared import artifacts
from stages.shared.artifacts import FileList
from stages.shared.errors import DataError, ParamsError
from stages.shared.running.processes import Process
from stages.shared.samples import decoding, decoding_ahead
from stages.shared.samples.loading import in_batches, load_images, shown_size

NUM = 60
ROWS = [np.array([5, 5, 40]), slice(10, 31), np.array([], dtype=np.int64), np.array([59])]


@pytest.fixture(scope="module")
def pixels_NHWK():  # noqa: N802 - a shape
    return np.random.default_rng(0).integers(0, 256, (NUM, 8, 8, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, pixels_NHWK):
    """Prepared data whose train images lie in files."""
    folder = tmp_path_factory.mktemp("files")
    names = [f"{number % 3}/{number}.png" for number in range(NUM)]
    for name, pixels_HWK in zip(names, pixels_NHWK, strict=True):
        (folder / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels_HWK).save(folder / "raw" / name)
    checksum_N = np.array([decoding.checksum(pixels_HWK) for pixels_HWK in pixels_NHWK])
    files = FileList(str(folder / "raw"), None, [8, 8, 3], names, checksum_N)
    artifacts.save_file_list(folder / "prepared", "train", files)
    return folder / "prepared"


@pytest.fixture
def jobs_of_four(monkeypatch):
    monkeypatch.setattr(decoding_ahead, "JOB_BYTES", 4 * 8 * 8 * 3)


@pytest.mark.parametrize("orientation", range(10))  # 0 and 9 are none
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_the_size_in_the_head_of_a_file_is_that_of_the_decoded_image(tmp_path, ending, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"image.{ending}"
    black(8, 6).save(path, exif=exif)
    height, width, _ = decoding.decode(path, None).shape
    assert shown_size(path) == (width, height)
    assert width == (6 if 5 <= orientation <= 8 else 8)


def test_the_size_of_a_tiff_that_only_its_xmp_turns_is_that_of_the_decoded_image(tmp_path):
    xmp = b'<x:xmpmeta tiff:Orientation="6"/>'
    black(8, 6).save(tmp_path / "image.tif", tiffinfo={700: xmp})
    assert decoding.decode(tmp_path / "image.tif", None).shape == (8, 6, 3)
    assert shown_size(tmp_path / "image.tif") == (6, 8)


def test_files_are_indexed_as_an_array_is(prepared, pixels_NHWK):
    found = load_images(prepared, "train")
    assert len(found) == NUM
    for rows in ROWS:
        np.testing.assert_array_equal(found[rows], pixels_NHWK[rows])


@pytest.mark.usefixtures("jobs_of_four")
@pytest.mark.parametrize("loaders", ["1", "3"])
def test_batches_come_in_order_with_any_number_of_processes(
    prepared, pixels_NHWK, monkeypatch, loaders
):
    monkeypatch.setenv("SUBSET_LOADERS", loaders)
    found = list(in_batches(load_images(prepared, "train"), ROWS))
    assert len(found) == len(ROWS)
    for rows, images_BHWK in zip(ROWS, found, strict=True):
        np.testing.assert_array_equal(images_BHWK, pixels_NHWK[rows])


def test_batches_of_an_array_are_parts_of_it(tmp_path, pixels_NHWK):
    artifacts.save_array(tmp_path / "train/inputs.npy", pixels_NHWK)
    found = list(in_batches(load_images(tmp_path, "train"), ROWS))
    for rows, images_BHWK in zip(ROWS, found, strict=True):
        np.testing.assert_array_equal(images_BHWK, pixels_NHWK[rows])


@pytest.mark.usefixtures("jobs_of_four")
def test_a_reader_that_stops_early_and_others_beside_it_take_nothing_from_each_other(
    prepared, pixels_NHWK, monkeypatch
):
    monkeypatch.setenv("SUBSET_LOADERS", "2")
    monkeypatch.setattr(decoding_ahead, "AHEAD_BYTES", 0)  # four jobs
    decoding_ahead._decoders.cache_clear()
    found = load_images(prepared, "train")
    every = [slice(start, start + 5) for start in range(0, NUM, 5)]
    first = in_batches(found, every)
    next(first)  # holds all the memory
    assert np.array_equal(np.concatenate(list(in_batches(found, every))), pixels_NHWK)
    assert np.array_equal(np.concatenate(list(first)), pixels_NHWK[5:])
    for _ in range(10):
        list(islice(in_batches(found, every), 2))
    assert np.array_equal(np.concatenate(list(in_batches(found, every))), pixels_NHWK)
    decoding_ahead._decoders.cache_clear()


def test_a_reader_that_stops_early_waits_for_what_is_begun_alone(prepared, monkeypatch):
    monkeypatch.setattr(decoding_ahead, "JOB_BYTES", 8 * 8 * 3)
    monkeypatch.setenv("SUBSET_LOADERS", "2")
    decoders = decoding_ahead._Decoders(2, 8 * 8 * 3)
    monkeypatch.setattr(decoding_ahead, "_decoders", lambda workers, slot_bytes: decoders)
    for process in decoders.processes:
        process.call(called.decode_slowly).result()
    reader = in_batches(load_images(prepared, "train"), [slice(row, row + 1) for row in range(NUM)])
    next(reader)
    reader.close()
    assert sum(process.call(called.num_begun).result() for process in decoders.processes) < NUM / 4
    assert len(decoders._free) == len(decoders._slots._bytes)


def test_no_more_is_decoded_ahead_than_memory_was_set_aside_for(prepared, monkeypatch):
    begun = []
    monkeypatch.setattr(decoding_ahead, "JOB_BYTES", 8 * 8 * 3)
    monkeypatch.setattr(decoding_ahead, "AHEAD_BYTES", 6 * 8 * 8 * 3)
    decoders = decoding_ahead._Decoders(2, 8 * 8 * 3)
    call = Process.call
    monkeypatch.setattr(Process, "call", lambda *job: (begun.append(job), call(*job))[1])
    monkeypatch.setattr(decoding_ahead, "_decoders", lambda workers, slot_bytes: decoders)
    monkeypatch.setenv("SUBSET_LOADERS", "2")
    for number, _ in enumerate(
        in_batches(load_images(prepared, "train"), [slice(row, row + 1) for row in range(NUM)])
    ):
        assert len(begun) <= number + 6
    assert len(begun) == NUM


def black(width, height):
    return Image.new("RGB", (width, height))


@pytest.mark.parametrize(
    ("spoil", "says", "loaders"),
    [
        (lambda path: path.unlink(), r"'2/5.png' cannot be read \(No such file", "1"),
        (lambda path: path.write_text("text"), "'2/5.png' is no image", "1"),
        (lambda path: black(8, 8).save(path), "'2/5.png' has changed since prepare", "1"),
        (lambda path: black(9, 8).save(path), "'2/5.png' is 9x8, not 8x8", "1"),
        (lambda path: black(9, 8).save(path), "'2/5.png' is 9x8, not 8x8", "2"),
    ],
)
@pytest.mark.usefixtures("jobs_of_four")
def test_a_file_that_is_not_as_prepare_read_it_is_one_line_with_its_name(
    prepared, monkeypatch, spoil, says, loaders
):
    monkeypatch.setenv("SUBSET_LOADERS", loaders)
    path, found = prepared.parent / "raw/2/5.png", load_images(prepared, "train")
    content = path.read_bytes()
    spoil(path)
    assert len(found[6:]) == NUM - 6
    with pytest.raises(DataError, match=says) as caught:
        found[:]
    path.write_bytes(content)
    assert str(prepared.parent / "raw") in str(caught.value)
    assert "run `dvc repro`, which prepares the images as they are now" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("jobs_of_four")
def test_a_killed_process_is_one_line_and_the_next_reader_has_others(
    prepared, pixels_NHWK, monkeypatch
):
    monkeypatch.setenv("SUBSET_LOADERS", "2")
    found = load_images(prepared, "train")
    with monkeypatch.context() as patch:
        patch.setattr(decoding_ahead, "_decode_into_slot", called.kill_itself)
        with pytest.raises(DataError, match="a process that decoded images was killed"):
            found[:]
    np.testing.assert_array_equal(found[:], pixels_NHWK)


@pytest.mark.parametrize("text", ["0", "two", "-1"])
def test_a_wrong_number_of_loaders_is_refused(prepared, monkeypatch, text):
    monkeypatch.setenv("SUBSET_LOADERS", text)
    with pytest.raises(ParamsError, match="SUBSET_LOADERS is"):
        load_images(prepared, "train")[:]


READER = """
import sys
from pathlib import Path
from stages.shared.samples import decoding_ahead, loading
decoding_ahead.JOB_BYTES = 1
images = loading.load_images(Path(sys.argv[1]), "train")
images[:]
decoders = decoding_ahead._decoders(2, 192).processes
modules = decoders[0].call(eval, "sorted(__import__('sys').modules)").result()
heavy = {"torch", "pandas", "stages.shared.training.loop"} & set(modules)
print(heavy, *(process.id for process in decoders))
sys.stdout.flush()
sys.stdin.read()
"""


def test_decoding_processes_import_no_torch_and_end_with_their_parent(prepared, tmp_path):
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(prepared)],
        cwd=toy.ROOT,
        env={**os.environ, "SUBSET_LOADERS": "2"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with reader:
        heavy, *pids = reader.stdout.readline().split()
        assert heavy == "set()"
        assert pids
        assert all(is_running(pid) for pid in pids)
        reader.kill()
    deadline = time.monotonic() + 600
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid: str) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
