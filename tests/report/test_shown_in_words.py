"""What the verdict's details and the page say of preprocessing."""

from dataclasses import replace

from stages.report.words.shown_in_words import shown_in_words
from stages.shared.artifacts.saved_embeddings import save_flops
from stages.shared.artifacts.shown_images import Shown, save_shown

LITE = Shown(
    model="efficientnet_lite0",
    source="timm's tf_efficientnet_lite0",
    stored=[128, 160],
    size=224,
    resize=256,
    interpolation="bicubic",
    mean=[0.5, 0.5, 0.5],
    std=[0.5, 0.5, 0.5],
    takes_any_size=True,
)
NUMBERS = "mean and deviation 0.5, 0.5, 0.5 and 0.5, 0.5, 0.5"
BEGINNING = "Preprocessing of efficientnet_lite0 (timm's tf_efficientnet_lite0): stored images of"


def test_smaller_images_stay_as_they_are_and_are_warned_of():
    assert list(shown_in_words([LITE])) == [
        f"{BEGINNING} 160 x 128 pixels as they are, where larger ones are cropped to the middle "
        f"224; {NUMBERS}",
        "Warning: stored images are smaller than the 224 pixels that efficientnet_lite0 was "
        "trained with: a larger dataset.image_size costs more and is mostly better",
    ]


def test_large_enough_images_are_resized_and_cropped():
    (line,) = shown_in_words([replace(LITE, stored=[256, 256])])
    assert line == f"{BEGINNING} 256 x 256 pixels as they are, cropped to the middle 224; {NUMBERS}"
    (line,) = shown_in_words([replace(LITE, stored=[300, 400])])
    assert "400 x 300 pixels resized to 256 (bicubic), cropped to the middle 224" in line
    line, warning = shown_in_words([replace(LITE, takes_any_size=False)])
    assert "160 x 128 pixels resized to 256 (bicubic), cropped to the middle 224" in line
    assert warning.startswith("Warning")


def test_a_form_of_our_own_is_trained_from_scratch_and_wants_no_size():
    own = replace(LITE, model="resnet18", source="the form for ImageNet", mean=[], std=[])
    (line,) = shown_in_words([own])
    assert line.endswith("; mean and deviation of the train split")


def test_page_and_verdict_name_the_preprocessing_once(run):
    before = run.report(draw=False)
    save_flops(run.folders.embeddings, 0, LITE)
    for subset in ("selected", "random", "full"):
        save_shown(run.folders.evaluation / f"resnet8-{subset}/seed-0", LITE)
    after = run.report(draw=False)
    for name in ("metrics/verdict.txt", "plots/report.html"):
        assert b"Preprocessing" not in before[name]
        assert after[name].count(b"Preprocessing of efficientnet_lite0") == 1
        assert after[name].count(b"Warning: stored images are smaller") == 1
