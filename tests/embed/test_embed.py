"""Embeddings: a prepared data set of vectors, whose images are embedded once."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
import toy

from stages.embed import frozen
from stages.embed.__main__ import main
from stages.embed.kept import Kept
from stages.shared import artifacts
from stages.shared.artifacts.saved_embeddings import (
    load_contrasts,
    load_digests,
    load_flops,
    load_shown_to_embed,
)
from stages.shared.artifacts.shown_images import Shown
from stages.shared.artifacts.weights import save_weights
from stages.shared.networks.batches import normalise
from stages.shared.prediction.flops import forward_flops
from stages.shared.running import dispatch, engine

MODEL = "resnet8_quarter"


@pytest.fixture
def embed(prepared, tmp_path, monkeypatch, on_one_core):
    """Embed a copy of the toy images, in shards of 16; return what lies in a folder, by its path.

    The model has random weights of its own.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUBSET_RESUME", str(tmp_path / "resume"))
    monkeypatch.setattr(frozen, "SHARD", 16)
    monkeypatch.setattr(frozen, "BATCH", 8)
    shutil.copytree(prepared, "prepared")
    meta = artifacts.load_meta(Path("prepared"))
    save_weights(Path("weights"), frozen.network_of(MODEL, b"", meta))
    counted = []
    embedded = frozen.embedded
    monkeypatch.setattr(
        frozen, "embedded", lambda *given: counted.append(len(given[1])) or embedded(*given)
    )

    def run(model=MODEL, out="embeddings"):
        content = toy.default_params()
        content["embed"]["model"] = model
        toy.write_params(tmp_path, content)
        counted.clear()
        main(Path("prepared"), Path("weights"), Path(out))
        return {
            str(path.relative_to(out)): path.read_bytes() for path in sorted(Path(out).rglob("*.*"))
        }

    run.counted = counted
    return run


def test_the_users_groups_go_with_the_embeddings(embed):
    for split, num in artifacts.load_meta(Path("prepared")).num_samples.items():
        artifacts.save_groups(Path("prepared"), split, [f"{row // 3}" for row in range(num)])
    found = embed()
    for split in artifacts.SPLITS:
        assert found[f"{split}/groups.npy"] == Path(f"prepared/{split}/groups.npy").read_bytes()


def test_embeddings_are_the_frozen_features_of_each_image(embed):
    embed()
    meta = artifacts.load_meta(Path("prepared"))
    network = frozen.network_of(MODEL, Path("weights").read_bytes(), meta)
    for split in artifacts.SPLITS:
        images = torch.from_numpy(np.array(artifacts.load_inputs(Path("prepared"), split)))
        with torch.inference_mode():
            wanted = network.features(normalise(images, meta))
        found = artifacts.load_vectors(Path("embeddings"), split)
        assert found.dtype == np.float16
        np.testing.assert_allclose(found, wanted, rtol=2e-3, atol=1e-3)


def test_they_are_a_prepared_data_set_of_vectors(embed):
    embed()
    images, vectors = Path("prepared"), Path("embeddings")
    meta, of_images = artifacts.load_meta(vectors), artifacts.load_meta(images)
    train = artifacts.load_vectors(vectors, "train").astype(np.float64)
    assert (meta.task, meta.input_shape) == ("vector_classification", [train.shape[1]])
    assert (meta.num_samples, meta.class_names) == (of_images.num_samples, of_images.class_names)
    np.testing.assert_allclose(meta.mean, train.mean(axis=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(meta.std, train.std(axis=0), rtol=1e-10, atol=1e-12)
    for split in artifacts.SPLITS:
        for load in (artifacts.load_targets, artifacts.load_sample_ids):
            assert np.array_equal(load(vectors, split), load(images, split))


def test_digest_contrast_and_cost_are_those_of_the_images(embed):
    pixels = np.load("prepared/test/inputs.npy")
    pixels[1], pixels[2] = pixels[0], 7
    artifacts.save_array(Path("prepared/test/inputs.npy"), pixels)
    embed()
    digests = load_digests(Path("embeddings"), "test")
    assert digests[0] == digests[1]
    assert len(set(digests.tolist())) == 19
    contrasts = load_contrasts(Path("embeddings"), "test")
    assert contrasts.tolist() == [int(image.max()) - int(image.min()) for image in pixels]
    meta = artifacts.load_meta(Path("prepared"))
    assert load_flops(Path("embeddings")) == 100 * forward_flops(MODEL, meta)


def test_what_was_embedded_once_is_not_again_and_has_the_same_bytes(embed):
    first = embed()
    assert sum(embed.counted) == 100
    assert embed(out="again") == first
    assert sum(embed.counted) == 0


def test_a_data_set_that_grew_or_was_split_otherwise_embeds_what_is_new(embed):
    embed()
    train, test = (np.load(f"prepared/{split}/inputs.npy") for split in ("train", "test"))
    before = artifacts.load_vectors(Path("embeddings"), "train")
    new = np.random.default_rng(9).integers(0, 256, (3, 8, 8, 1), dtype=np.uint8)
    artifacts.save_array(Path("prepared/train/inputs.npy"), np.concatenate([test, new, train]))
    meta = artifacts.load_meta(Path("prepared"))
    artifacts.save_meta(
        Path("prepared"), replace(meta, num_samples={**meta.num_samples, "train": 83})
    )
    embed(out="grown")
    assert sum(embed.counted) == 3
    after = artifacts.load_vectors(Path("grown"), "train")
    assert np.array_equal(after[23:], before)
    fresh = Path("resume").rename("elsewhere")
    embed(out="fresh")
    assert sum(embed.counted) > 3
    assert fresh.exists()
    assert np.array_equal(artifacts.load_vectors(Path("fresh"), "train"), after)


def test_a_killed_embedding_goes_on_to_the_same_bytes(embed, monkeypatch):
    whole = embed()
    shutil.rmtree("resume")
    with monkeypatch.context() as patch:
        save = frozen.Kept.add
        patch.setattr(
            frozen.Kept, "add", lambda *given: save(*given) if len(embed.counted) < 3 else 1 / 0
        )
        with pytest.raises(ZeroDivisionError):
            embed(out="killed")
    assert not Path("killed").exists()
    assert embed(out="killed") == whole
    assert sum(embed.counted) == 100 - 2 * 16


def test_any_number_of_shards_keeps_few_files_open(embed):
    embed()
    kept = next(Path("resume/embeddings").iterdir()).name
    before = psutil.Process().num_fds()
    many = [Kept(kept) for _ in range(50)]
    assert psutil.Process().num_fds() == before
    assert many[0].length > 0


def test_shards_that_travel_to_other_machines_give_the_same_bytes(embed, monkeypatch):
    here = embed()
    shutil.rmtree("resume")
    pieces = []

    def stream(function, shared, some):
        for piece in some:
            pieces.append(piece)
            yield from function(shared, piece)

    monkeypatch.setattr(engine, "on_cluster", lambda: True)
    monkeypatch.setattr(dispatch, "stream", stream)
    assert embed(out="there") == here
    assert [len(piece) for piece in pieces] == [1] * (4 + 2 + 2)


def test_other_weights_embed_anew(embed):
    embed()
    meta = artifacts.load_meta(Path("prepared"))
    torch.manual_seed(5)
    network = frozen.network_of(MODEL, b"", meta)
    with torch.no_grad():
        next(network.parameters()).mul_(2)
    save_weights(Path("weights"), network)
    embed(out="other")
    assert sum(embed.counted) == 100


def test_what_the_network_is_shown_is_written_with_the_cost(embed, monkeypatch):
    embed()
    assert load_shown_to_embed(Path("embeddings")) is None
    told = Shown(MODEL, "somebody", [8, 8], 14, 16, "bilinear", [], [], takes_any_size=True)
    monkeypatch.setattr(frozen, "shown_images", lambda *_: told)
    embed(out="told")
    assert load_shown_to_embed(Path("told")) == told


def test_without_a_network_there_are_no_vectors_and_no_cost(embed):
    found = embed("none")
    of_splits = {f"{split}/none.json" for split in artifacts.SPLITS}
    assert set(found) == {"cost.json", "meta.json", *of_splits}
    assert load_flops(Path("embeddings")) == 0
    assert not Path("resume").exists()
