"""Every file of a data set is read, and what is wrong with one is said."""

from pathlib import Path

import numpy as np
from PIL import Image

from stages.shared.datasets.reading import source_images as prepare_images
from stages.shared.datasets.reading.source_images import FoundFiles
from stages.shared.samples import decoding_ahead


def read(root: Path, names: list[str], size: int | None = None):
    parts = list(FoundFiles(root, names, size).read(np.arange(len(names))))
    problems = [problem for part in parts for problem in part.problems]
    return problems, np.concatenate([part.images_BHWK for part in parts])


def test_each_unreadable_file_is_one_problem_and_the_others_are_decoded(tmp_path):
    noise_HWK = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    for name in ("good.png", "cut.png", "cut.jpg"):
        Image.fromarray(noise_HWK).save(tmp_path / name)
    for name in ("cut.png", "cut.jpg"):
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) // 2])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.jpg").write_text("no image at all")
    Image.fromarray(noise_HWK).save(tmp_path / "other format.png", format="PCX")
    (tmp_path / "line\nbreak.png").touch()
    names = sorted(path.name for path in tmp_path.iterdir())
    problems, inputs_NHWK = read(tmp_path, [*names, "gone.png"], size=32)
    bad = [name for name in names if name != "good.png"] + ["gone.png"]
    assert [problem.split(" is ")[0].split(" cannot ")[0] for problem in problems] == [
        repr(name) for name in bad
    ]
    assert "No such file" in problems[-1]
    assert not any("\n" in problem for problem in problems)
    assert np.array_equal(inputs_NHWK[names.index("good.png")], noise_HWK)


def test_where_no_file_is_readable_each_is_a_problem(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_text("text")
    assert read(tmp_path, ["a.png", "b.png"])[0] == ["'a.png' is no image", "'b.png' is no image"]


def test_the_number_of_processes_and_of_files_per_job_decides_no_byte(images, monkeypatch):
    names = [f"image {number:03d}.png" for number in range(24)]
    root = images(*names)
    (root / names[7]).write_bytes(b"")
    (root / names[20]).write_bytes(b"")
    monkeypatch.setattr(prepare_images, "CHUNK_BYTES", 10 * 48)
    results = []
    for loaders, job_bytes in (("1", 48 * 10), ("1", 48 * 3), ("2", 48 * 3)):
        monkeypatch.setenv("SUBSET_LOADERS", loaders)
        monkeypatch.setattr(decoding_ahead, "JOB_BYTES", job_bytes)
        problems, inputs_NHWK = read(root, names)
        results.append((problems, np.delete(inputs_NHWK, [7, 20], axis=0).tobytes()))
    assert len(results[0][0]) == 2
    assert results[0] == results[1] == results[2]
