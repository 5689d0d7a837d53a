"""Tests for stages/shared/tasks/text_classification: what models read of texts, and make of it."""

from dataclasses import replace
from functools import partial
from itertools import pairwise
from zlib import crc32

import interrupted
import numpy as np
import pytest
import torch
import toy
import toy_texts
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from stages.prepare.__main__ import main as prepare
from stages.shared import artifacts, models, tasks
from stages.shared.artifacts import Meta
from stages.shared.models.text_classification import fasttext
from stages.shared.prediction.flops import forward_flops
from stages.shared.settings.training_sections import EpochLength
from stages.shared.settings.training_sections import Sgd as SgdSettings
from stages.shared.tasks.text_classification import text_batches as reading
from stages.shared.tasks.text_classification.ngrams import MULTIPLIER, NgramBag, uni_and_bigrams
from stages.shared.tasks.text_classification.text_batches import (
    ALPHABET,
    NUM_CHARACTERS,
    PADDING,
    UNKNOWN,
    Flat,
    TextBatch,
    Texts,
    example,
)
from stages.shared.tasks.text_classification.vdcnn import largest
from stages.shared.training import loop
from stages.shared.training.optimizer import Sgd

CPU = torch.device("cpu")
IDS = {" ": 2, **{letter: place for place, letter in enumerate(ALPHABET, start=3)}}
PLAIN = SgdSettings(
    name="sgd", learning_rate=0.5, backbone=0.5, momentum=0.9, nesterov=False, weight_decay=0.1
)


def flat(sequences, dtype):
    ends = np.cumsum([0, *map(len, sequences)])
    values = [value for each in sequences for value in each]
    return Flat(torch.tensor(values, dtype=dtype), torch.from_numpy(ends))


def batch(texts, length=8, rows=None):
    """Return texts as models read them, their words split at spaces."""
    found = Texts(None, "train", length, CPU)
    found.bytes_ = flat([text.encode() for text in texts], torch.uint8)
    words = [[crc32(word.encode()) for word in text.split()] for text in texts]
    signed = [np.array(each, dtype=np.uint32).view(np.int32) for each in words]
    found.words = flat(signed, torch.int32)
    return TextBatch(found, torch.tensor(range(len(texts)) if rows is None else rows))


def meta(length=64, num_classes=2):
    names = [str(number) for number in range(num_classes)]
    return Meta("text_classification", "toy", names, [length], [11.0], [0.0], {}, "0")


# --- characters -----------------------------------------------------------------------------------


def test_the_alphabet_has_69_characters_with_space_padding_and_unknown():
    assert NUM_CHARACTERS == 69
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert {PADDING, UNKNOWN, *IDS.values()} == set(range(69))


def test_characters_are_looked_up_lowered_cut_and_padded():
    found_BL = batch(["Ab c}", "", "12345678!", "a\\b"], length=6).characters()
    a, b, c, brace = IDS["a"], IDS["b"], IDS["c"], IDS["}"]
    assert found_BL.tolist() == [
        [a, b, IDS[" "], c, brace, PADDING],
        [PADDING] * 6,
        [IDS[digit] for digit in "123456"],
        [a, UNKNOWN, b, PADDING, PADDING, PADDING],
    ]


def test_a_character_beyond_ascii_is_one_unknown_whatever_its_bytes():
    found_BL = batch(["é日😀a", "😀" * 5], length=4).characters()
    assert found_BL.tolist() == [[UNKNOWN, UNKNOWN, UNKNOWN, IDS["a"]], [UNKNOWN] * 4]


@settings(max_examples=40)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1),
    st.integers(1, 9),
    st.data(),
)
def test_characters_are_those_of_a_plain_loop(texts, length, data):
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1))
    found_BL = batch(texts, length, rows).characters()
    lowered = {chr(code): chr(code).lower() for code in range(128)}
    expected = [
        [IDS.get(lowered.get(letter, letter), UNKNOWN) for letter in texts[row][:length]]
        for row in rows
    ]
    assert found_BL.tolist() == [ids + [PADDING] * (length - len(ids)) for ids in expected]


# --- words ----------------------------------------------------------------------------------------


def ngrams_by_hand(words, num_buckets):
    pairs = [first * MULTIPLIER + second for first, second in pairwise(words)]
    return sorted(number % num_buckets for number in [*words, *pairs])


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.integers(0, 2**32 - 1), min_size=1), min_size=1), st.integers(1, 2_000_000)
)
def test_ngrams_are_those_of_a_plain_loop(texts, num_buckets):
    word_W = torch.tensor([word for words in texts for word in words])
    num_B = torch.tensor([len(words) for words in texts])
    bucket_G, first_B = uni_and_bigrams(word_W, num_B, num_buckets)
    found = np.split(bucket_G.numpy(), first_B.numpy()[1:])
    assert [sorted(each.tolist()) for each in found] == [
        ngrams_by_hand(words, num_buckets) for words in texts
    ]


def test_words_are_unsigned_and_only_those_of_the_batch():
    word_W, num_B = batch(["a b", "123456789", "b"], rows=[1, 0, 1]).words()
    by_hand = [0xCBF43926, 0xE8B7BE43, 0x71BEEFF9, 0xCBF43926]
    assert word_W.tolist() == by_hand
    assert num_B.tolist() == [1, 2, 1]


def test_the_features_of_a_text_are_the_mean_over_its_ngrams():
    torch.manual_seed(0)
    bag = NgramBag(50, 4)
    assert float(bag.table.weight.detach().abs().max()) <= 1 / 4
    texts = ["one two three", "one", "two two two two"]
    found_BD = bag(batch(texts))
    for row, text in enumerate(texts):
        ids = ngrams_by_hand([crc32(word.encode()) for word in text.split()], 50)
        expected_D = sum(bag.table.weight[number] for number in ids) / len(ids)
        torch.testing.assert_close(found_BD[row], expected_D)


@pytest.mark.usefixtures("small_table")
def test_a_model_that_reads_words_does_not_pay_for_characters(prepared, monkeypatch):
    samples = tasks.load("text_classification").load_samples(prepared, "train", CPU)
    (read,) = samples.in_batches([torch.tensor([3, 1])])
    monkeypatch.setattr(TextBatch, "characters", None)
    assert models.build("fasttext", 2, [60])(read).shape == (2, 2)
    assert "words" in vars(samples.texts)
    assert "bytes_" not in vars(samples.texts)


# --- reading what was prepared --------------------------------------------------------------------


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A hundred toy reviews: 90 for training and validation, 20 for testing."""
    folder = tmp_path_factory.mktemp("texts")
    for split, num in (("train", 90), ("test", 20)):
        toy_texts.write_csv(folder / f"raw/{split}.csv", toy_texts.reviews(num, num))
    toy.write_params(folder, toy_texts.params(folder / "raw"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        prepare(folder / "prepared", folder / "scratch")
    return folder / "prepared"


@pytest.mark.parametrize("most", [2**40, 0], ids=["on the device", "on disk"])
def test_samples_and_batches_are_the_rows_that_are_asked_for(prepared, monkeypatch, most):
    monkeypatch.setattr(reading, "MOST_RESIDENT", most)
    task = tasks.load("text_classification")
    stored = artifacts.load_sequences(prepared, "train", "tokens")
    classes_N = artifacts.load_targets(prepared, "train")
    rows_N = np.array([5, 6, 40, 70])
    samples = task.load_samples(prepared, "train", CPU, rows_N)
    assert samples.targets_N.tolist() == classes_N[rows_N].tolist()
    assert len(samples) == 4
    first, second = samples.in_batches([torch.tensor([2]), torch.tensor([3, 0])])
    found, num_B = second.words()
    expected = [value for row in (70, 5) for value in stored[row].view(np.uint32).tolist()]
    assert found.tolist() == expected
    assert (len(first), num_B.tolist()) == (1, [len(stored[70]), len(stored[5])])
    loaded = artifacts.load_meta(prepared)
    batches = [slice(0, 3), np.array([40, 5])]
    whole, some = task.read_batches(prepared, "train", batches, loaded, CPU)
    assert (len(whole), len(some)) == (3, 2)
    torch.testing.assert_close(some.characters()[:1], first.characters())
    assert some.characters().shape == (2, 60)


# --- models ---------------------------------------------------------------------------------------


def test_fasttext_has_the_published_number_of_features_and_starts_at_0():
    model = models.build("fasttext", 5, [60])
    assert model.features.table.weight.shape == (2_000_000, 10)
    assert not model(batch(["any text"])).any()


def test_the_buckets_of_bigrams_are_ten_million():
    with torch.device("meta"):
        model = models.build("fasttext_10m", 2, [60])
    assert model.features.table.weight.shape == (10_000_000, 10)


@pytest.mark.parametrize(
    ("name", "counts"), [("vdcnn9", [2, 2, 2, 2]), ("vdcnn29", [10, 10, 4, 4])]
)
def test_a_vdcnn_has_the_layers_of_table_2(name, counts):
    with torch.device("meta"):
        model = models.build(name, 5, [1014])
    layers = [part for part in model.modules() if isinstance(part, nn.Conv2d)]
    assert len(layers) == int(name[5:]) == 1 + sum(counts)
    assert [layer.out_channels for layer in layers] == [
        64,
        *(width for width, n in zip([64, 128, 256, 512], counts, strict=True) for _ in range(n)),
    ]
    assert {layer.kernel_size for layer in layers} == {(1, 3)}
    linear = [part for part in model.modules() if isinstance(part, nn.Linear)]
    assert [(part.in_features, part.out_features) for part in linear] == [
        (4096, 2048),
        (2048, 2048),
        (2048, 5),
    ]
    # By hand: the table of characters; the first convolution; of the others 3 weights for each
    # pair of channels, and a normalisation; the linear layers.
    expected, channels = 69 * 16 + 3 * 16 * 64 + 64, 64
    for width, count in zip([64, 128, 256, 512], counts, strict=True):
        expected += 3 * channels * width + 3 * (count - 1) * width**2 + 2 * count * width
        channels = width
    expected += 4097 * 2048 + 2049 * 2048 + 2049 * 5
    assert sum(parameter.numel() for parameter in model.parameters()) == expected


@pytest.mark.parametrize(("length", "positions"), [(1014, 127), (60, 8), (20, 3)])
def test_the_length_is_halved_three_times(length, positions):
    model = models.build("vdcnn9", 3, [length]).eval()
    seen = []
    model.features.convolutions.register_forward_hook(lambda _, __, out: seen.append(out.shape))
    with torch.inference_mode():
        assert model(batch(["a text", "another"], length)).shape == (2, 3)
    assert seen == [(2, 512, 1, positions)]
    assert model.features.hidden[0].in_features == 512 * min(8, positions)


def test_the_largest_numbers_of_a_channel_stay_in_their_order():
    h_BDL = torch.tensor([[[1.0, 5.0, 2.0, 4.0, 3.0], [0.0, -1.0, -2.0, -3.0, -4.0]]])
    assert largest(h_BDL, 3).tolist() == [[[5.0, 4.0, 3.0], [0.0, -1.0, -2.0]]]


@pytest.fixture
def small_table(monkeypatch):
    monkeypatch.setattr(fasttext, "NUM_BUCKETS", 1000)


@pytest.mark.usefixtures("small_table")
@pytest.mark.parametrize("name", ["fasttext", "vdcnn9"])
def test_a_text_does_not_depend_on_the_others_of_its_batch(name):
    torch.manual_seed(0)
    model = models.build(name, 3, [60]).eval()
    nn.init.normal_(model.classifier.weight)
    texts = ["one text", "another one", "and a third, which is longer than the others"]
    with torch.inference_mode():
        together_BC = model(batch(texts, 60))
        alone_BC = torch.cat([model(batch([text], 60)) for text in texts])
    torch.testing.assert_close(together_BC, alone_BC, rtol=1e-4, atol=1e-5)


def test_flops_of_convolutions_and_linear_layers_are_those_that_torch_counts():
    torch.manual_seed(0)
    model = models.build("vdcnn9", 2, [64]).eval()
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(example(meta()))
    assert forward_flops("vdcnn9", meta()) == counter.get_total_flops()


@pytest.mark.usefixtures("small_table")
def test_flops_of_fasttext_are_two_for_each_number_that_it_looks_up():
    # 64 letters are 11 words of five and a space, so 21 n-grams.
    assert forward_flops("fasttext", meta(num_classes=3)) == 2 * 21 * 10 + 2 * 10 * 3


def test_texts_are_measured_as_images_are():
    """So what holds of the signals of images holds of those of texts."""
    images, texts = map(
        type, (tasks.load("image_classification"), tasks.load("text_classification"))
    )
    public = {name for name in dir(images) if not name.startswith("_")}
    different = {name for name in public if getattr(images, name) is not getattr(texts, name)}
    assert different == {"as_inputs", "example", "load_samples", "read_batches"}


# --- training -------------------------------------------------------------------------------------


class TwoTables(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.EmbeddingBag(20, 3, mode="mean", sparse=True)
        self.classifier = nn.Linear(3, 2)


def test_a_table_is_trained_by_plain_sgd_on_the_rows_that_were_looked_up_alone():
    torch.manual_seed(0)
    model = TwoTables()
    table = model.table.weight.detach().clone().double()
    linear, momentum = model.classifier.weight.detach().clone().double(), 0.0
    sgd = Sgd(model, PLAIN)
    ids, first = torch.tensor([3, 7, 3, 11, 3]), torch.tensor([0, 3])
    for rate in (0.5, 0.25):
        logits = model.classifier(model.table(ids, first))
        nn.functional.cross_entropy(logits, torch.tensor([0, 1])).backward()
        gradient = torch.zeros(20, 3, dtype=torch.double)
        entries = model.table.weight.grad
        for place, value in zip(entries._indices()[0], entries._values(), strict=True):
            gradient[place] += value
        table -= 0.5 * rate * gradient  # before the last layer
        momentum = 0.9 * momentum + (model.classifier.weight.grad.double() + 0.1 * linear)
        linear -= rate * momentum
        sgd.step(rate)
        torch.testing.assert_close(model.table.weight.detach().double(), table)
        torch.testing.assert_close(model.classifier.weight.detach().double(), linear)
    assert model.table.weight.grad is None
    untouched = [row for row in range(20) if row not in (3, 7, 11)]
    torch.manual_seed(0)
    torch.testing.assert_close(model.table.weight[untouched], TwoTables().table.weight[untouched])


@pytest.fixture
def make_job(prepared, small_table):
    """Make jobs; fastText's table is small, so that looking at all of it takes no time."""
    return partial(toy.job_of_params, prepared, toy_texts.params(prepared), range(80))


def train(job, folder):
    trained = loop.train(job, folder, CPU, lambda *_: None)
    return trained, (folder / trained.checkpoints[-1].path).read_bytes()


def test_fasttext_learns_and_gives_the_same_bytes_twice(make_job, tmp_path):
    job = make_job("fasttext")
    first, weights = train(job, tmp_path / "first")
    again, same = train(job, tmp_path / "again")
    assert first.history[-1].validation_accuracy == 1
    assert first.history[-1].train_loss < first.history[0].train_loss - 0.2
    assert weights == same
    assert first.history == again.history
    assert np.isfinite(first.tracked.gradient_norm_MES).all()


@pytest.mark.slow
def test_vdcnn_learns_and_gives_the_same_bytes_twice(make_job, tmp_path):
    optimizer = PLAIN.model_copy(
        update={"learning_rate": 0.01, "backbone": 1.0, "weight_decay": 0.0}
    )
    job = make_job("vdcnn9", optimizer=optimizer)
    job = replace(job, learning_rate=0.01, index_P=np.arange(16))
    first, weights = train(job, tmp_path / "first")
    _, same = train(job, tmp_path / "again")
    assert first.history[-1].train_loss < first.history[0].train_loss
    assert weights == same


def test_fasttext_killed_after_each_epoch_gives_the_same_bytes(make_job, tmp_path, monkeypatch):
    """Its table has no momentum."""
    monkeypatch.setenv("SUBSET_SAVE_EVERY_S", "0")
    job = make_job("fasttext", length=EpochLength(epochs=3))
    assert interrupted.require_the_same_in_parts(job, tmp_path) == [1, 2, 3]
