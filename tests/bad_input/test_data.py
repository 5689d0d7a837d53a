"""Data that cannot be used is one line that names the file; odd data that can be used is used."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import toy
from bad_input import data_cases, png
from bad_input.data_cases import CASES, ROOT, good, image, write_params
from PIL import Image

from stages.prepare.__main__ import main
from stages.seed_subset.__main__ import main as seed_subset
from stages.shared import artifacts
from stages.shared.artifacts import SPLITS
from stages.shared.samples.decoding import decode

PREPARED, SCRATCH = "data/prepared", "data/ensembles/scratch"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder that holds what an earlier run wrote, in one process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUBSET_LOADERS", "1")
    for name in (f"{PREPARED}/meta.json", f"{PREPARED}/train/inputs.npy", f"{SCRATCH}/model.json"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("what an earlier run wrote")


@pytest.mark.parametrize("name", CASES)
def test_data_that_cannot_be_used_is_one_line(name, line_of):
    CASES[name].make()
    write_params(CASES[name].preset, **CASES[name].dataset)
    expected = re.escape(CASES[name].line).replace("…", ".+")
    assert re.fullmatch(expected, line_of("prepare", PREPARED, SCRATCH))


def test_settings_and_lists_of_later_stages_stop_the_first_one_before_it_reads_data(line_of):
    write_params("default", name="imagefolder", root="nowhere")
    content = json.loads(Path("params.yaml").read_text())
    content["compare"]["models"] = ["resnt18"]
    toy.write_params(Path(), content)
    line = line_of("prepare", PREPARED, SCRATCH)
    assert line.startswith("params.yaml: compare.models.0 is 'resnt18'; did you mean resnet18?")
    content["compare"]["models"] = ["resnet18"]
    content["score"]["reference"] = "lists/scores.csv"
    toy.write_params(Path(), content)
    line = line_of("prepare", PREPARED, SCRATCH)
    assert line == "lists/scores.csv: missing; it must be CSV with sample_id,score"


def test_a_bomb_is_refused_by_its_header(line_of, monkeypatch):
    data_cases.a_decompression_bomb()
    assert Path(ROOT / "cat/bomb.png").stat().st_size < 1_000_000  # of 112 MB
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda image: pytest.fail("is decoded"))
    with pytest.raises(Image.DecompressionBombError):
        decode(ROOT / "cat/bomb.png", 4)


# --- odd, and well --------------------------------------------------------------------------------


def prepare(**changes: object) -> Path:
    write_params("default", name="imagefolder", root=str(ROOT), **changes)
    main(Path(PREPARED), Path(SCRATCH))
    return Path(PREPARED)


def prepared_images(folder: Path) -> dict[str, np.ndarray]:
    found = {}
    for split in SPLITS:
        names = artifacts.load_sample_ids(folder, split)
        found |= dict(zip(names, artifacts.load_inputs(folder, split), strict=True))
    return found


def test_images_of_every_mode_are_what_a_viewer_shows():
    good()
    Image.new("L", (4, 4), 51).save(ROOT / "cat/grey.png")
    Image.fromarray(np.full((4, 4), 51 * 257, dtype=np.uint16)).save(ROOT / "cat/grey16.png")
    # Three channels of 16 bits: Pillow reads the higher byte of each.
    row = (51 * 256 + 255).to_bytes(2, "big") * 3 * 4
    png.write(ROOT / "cat/colour16.png", (4, 4), 16, png.COLOUR, row)
    Image.new("RGB", (4, 4), (51, 51, 51)).quantize(2).save(ROOT / "cat/palette.png")
    Image.new("CMYK", (4, 4), (204, 204, 204, 0)).save(ROOT / "cat/cmyk.tif")
    Image.new("RGBA", (4, 4), (51, 51, 51, 255)).save(ROOT / "cat/opaque.png")
    Image.new("1", (4, 4), 1).save(ROOT / "dog/white.png")
    found = prepared_images(prepare())
    for name in ("grey", "grey16", "colour16", "palette", "opaque"):
        assert np.all(found[f"cat/{name}.png"] == 51), name
    assert np.all(found["cat/cmyk.tif"] == 51)
    assert np.all(found["dog/white.png"] == 255)


def test_images_whose_ending_lies_or_whose_parts_are_clear_are_what_a_viewer_shows():
    good()
    Image.new("RGB", (4, 4), (51, 51, 51)).save(ROOT / "cat/really a png.jpg", "PNG")
    Image.new("RGB", (4, 4), (51, 51, 51)).save(ROOT / "cat/really a bitmap.PNG", "BMP")
    Image.new("CMYK", (4, 4), (204, 204, 204, 0)).save(ROOT / "cat/cmyk.jpeg", quality=100)
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(ROOT / "dog/clear.png")
    Image.new("LA", (4, 4), (0, 0)).save(ROOT / "dog/clear grey.png")
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 51, 51, 51])
    palette.save(ROOT / "dog/clear entry.png", transparency=1)
    (ROOT / "dog/twelve bits.pgm").write_bytes(b"P5 4 4 4095\n" + (819).to_bytes(2, "big") * 16)
    frames = [Image.new("RGB", (4, 4), colour) for colour in ((51, 51, 51), (0, 0, 0))]
    frames[0].save(ROOT / "dog/moving.gif", save_all=True, append_images=frames[1:])
    found = prepared_images(prepare())
    for name in ("cat/really a png.jpg", "cat/really a bitmap.PNG", "cat/cmyk.jpeg"):
        assert np.all(found[name] == 51), name
    for name in ("dog/twelve bits.pgm", "dog/moving.gif"):
        assert np.all(found[name] == 51), name
    for name in ("dog/clear.png", "dog/clear grey.png", "dog/clear entry.png"):
        assert np.all(found[name] == 255), name


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_images_are_turned_as_their_exif_data_say(ending):
    good()
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    upper = Image.new("RGB", (4, 4), (0, 0, 0))
    upper.paste((255, 255, 255), (0, 0, 4, 2))
    upper.save(ROOT / f"cat/turned.{ending}", exif=exif, quality=100)
    found = prepared_images(prepare())[f"cat/turned.{ending}"].mean(axis=(1, 2))
    assert found[0] < 50
    assert found[3] > 200


def test_images_of_mixed_sizes_are_scaled_where_a_size_is_given():
    good()
    image("dog/large.png", (0, 0, 255), size=(90, 50))
    found = prepared_images(prepare(image_size=4))
    assert np.array_equal(found["dog/large.png"], np.full((4, 4, 3), (0, 0, 255)))


NAMES = [os.fsdecode(name) for name in (b"a b", b"a,b", b"a\nb", b"a\rb", b'"a"', b"a\xffb", b"-")]


def test_names_of_any_kind_survive_every_csv_file(project, capsys):
    """From files to prepared data, from there through a list of the user's to a subset."""
    good("cat", "dog", num=20)
    for number, name in enumerate(NAMES):
        image(f"cat/{name}.png", (number, 99, 99))
    folder = prepare()
    found = prepared_images(folder)
    assert {f"cat/{name}.png" for name in NAMES} < found.keys()
    for number, name in enumerate(NAMES):
        assert np.all(found[f"cat/{name}.png"] == (number, 99, 99)), name

    train = artifacts.load_sample_ids(folder, "train")
    odd = [name for name in train if name.removeprefix("cat/").removesuffix(".png") in NAMES]
    project.write_list("seed", odd)
    project.change({"seed_size": len(odd), "rounds": [{"from": len(odd), "to": 9}]})
    seed_subset(str(len(odd)), folder, Path("seed"))
    picks = artifacts.load_subset(Path("seed/seed-0.csv"), len(train))
    assert [train[row] for row in picks.index_P] == odd
    assert len(odd) > 2
