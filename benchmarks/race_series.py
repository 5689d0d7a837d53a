"""The series of benchmarks/race_table.py: data, networks and budgets."""

from collections.abc import Mapping

from benchmarks.race_design import FEW, LEARNABLE, MANY, THREE, TWO_JUDGES, Series, of, updates

# A third of train judges too: validation alone are 144 digits.
_DIGITS = Series(
    "digits",
    ["race.holdout=0.33", "compare.models=[resnet8_quarter]", *updates(150)],
    (0.05, 0.25, 0.125, 0.5),
    seeds=5,
)
_HEAD = [
    "train_ensemble.length.updates=400",
    "train_ensemble.members=4",
    "train_ensemble.label_smoothing=0.0",
]
_DIGIT_VECTORS = Series(
    "embeddings_cpu",
    [*_HEAD, "dataset.name=digit_vectors", "race.holdout=0.33", *updates(200)],
    (0.05, 0.25, 0.125, 0.5),
    seeds=5,
)
_VECTORS = Series("embeddings_cpu", [*_HEAD, *updates(300)], (0.003, 0.01, 0.03, 0.1, 0.3), 3)
_MNIST = Series(
    "digits",
    [
        "dataset.name=mnist",
        "compare.models=[resnet8_quarter]",
        "train_ensemble.members=2",
        "train_ensemble.length.updates=850",
        *updates(200),
    ],
    (0.01, 0.003, 0.1, 0.03),
    seeds=3,
    halved=True,
)
_CIFAR = Series(
    "cifar10_cpu",
    [
        "dataset.image_size=16",
        "train_ensemble.members=2",
        "train_ensemble.length={updates: 700}",
        "compare.models=[resnet8_quarter]",
        "train_subset_model.length={updates: 300}",
        "train_subset_model.batch_size=64",
        "train_subset_model.optimizer.learning_rate=0.3",
        "train_subset_model.label_smoothing=0.0",
        "predict_pool.views=[identity]",
        "evaluate.views=[identity]",
    ],
    (0.2, 0.05, 0.5),
    seeds=3,
)
_FASTTEXT = [
    "train_subset_model.length={updates: 3000}",
    "train_subset_model.batch_size=16",
    "train_subset_model.precision=fp32",
    "train_subset_model.optimizer.learning_rate=4.0",
    "train_subset_model.optimizer.momentum=0.0",
    "train_subset_model.schedule.peak_at=0.01",
    "train_subset_model.schedule.start=1.0",
]
# Boxes have no probability of a label: what two voters disagree about.
_DETECTION = [
    *TWO_JUDGES,
    "race.holdout=0.33",
    "acquisition=mutual_information",
    "select.candidates=remaining",
    "train_ensemble.members=2",
]
_CROP = [f"{part}.augmentation.crop_padding=8" for part in ("train_ensemble", "train_subset_model")]

SERIES: Mapping[str, Series] = {
    "digits": _DIGITS,
    "digits-wrong": of(_DIGITS, wrong=0.2),
    "digit-vectors": _DIGIT_VECTORS,
    "digit-vectors-wrong": of(_DIGIT_VECTORS, wrong=0.2),
    "digit-vectors-short": of(_DIGIT_VECTORS, [*TWO_JUDGES, *updates(50)]),
    # Of other folds, so with other test samples.
    "digit-vectors-long": of(
        _DIGIT_VECTORS,
        ["dataset.fold=1", *TWO_JUDGES, *updates(600)],
        budgets=(0.05, 0.25),
    ),
    "digit-vectors-wrong-40": of(
        _DIGIT_VECTORS, ["dataset.fold=2"], budgets=(0.05, 0.25), wrong=0.4
    ),
    # Judges smaller than the target: a linear layer for one with 512 hidden units.
    "digit-vectors-linear-judge": of(
        _DIGIT_VECTORS, [*TWO_JUDGES, "race.judge=linear_probe"], budgets=(0.05, 0.25)
    ),
    "mnist-vectors-linear-judge": of(
        _VECTORS,
        ["dataset.root=data/raw/mnist-vectors", "race.judge=linear_probe"],
        budgets=(0.01, 0.1),
    ),
    "digit-vectors-many": of(
        _DIGIT_VECTORS,
        ["predict_pool.signals=[features]"],
        budgets=(0.05, 0.25),
        seeds=3,
        entrants=MANY,
    ),
    "digit-vectors-wrong-many": of(
        _DIGIT_VECTORS,
        budgets=(0.05, 0.25),
        seeds=3,
        wrong=0.2,
        entrants={**FEW, LEARNABLE: MANY[LEARNABLE]},
    ),
    "digit-vectors-grow-each": of(_DIGIT_VECTORS, rounds=2, budgets=(0.25,)),
    "digit-vectors-grow-last": of(_DIGIT_VECTORS, rounds=2, budgets=(0.25,), every_round=False),
    "mnist": _MNIST,
    "mnist-wrong": of(_MNIST, wrong=0.2),
    "mnist-vectors": of(_VECTORS, ["dataset.root=data/raw/mnist-vectors"]),
    "mnist-vectors-wrong": of(_VECTORS, ["dataset.root=data/raw/mnist-vectors"], wrong=0.2),
    # Other draws, and two targets on each subset: little noise in what a decision is worth.
    "mnist-vectors-precise": of(
        _VECTORS,
        ["dataset.root=data/raw/mnist-vectors"],
        budgets=(0.01, 0.03, 0.1, 0.3),
        seeds=8,
        first_seed=100,
        members=2,
    ),
    "cifar10-vectors-precise": of(
        _VECTORS,
        ["dataset.root=data/raw/cifar10-vectors"],
        budgets=(0.05, 0.2, 0.5),
        seeds=8,
        first_seed=100,
        members=2,
    ),
    "cifar10": _CIFAR,
    "cifar10-vectors": of(
        _VECTORS, ["dataset.root=data/raw/cifar10-vectors"], budgets=(0.01, 0.05, 0.2, 0.5)
    ),
    "cifar10-vectors-wrong": of(
        _VECTORS, ["dataset.root=data/raw/cifar10-vectors"], budgets=(0.05, 0.2, 0.5), wrong=0.2
    ),
    # As presets/svp_core_set_cpu.yaml, smaller: what a proxy forgets, for a target that trains less
    # than an epoch.
    "cifar10-forgetting": of(
        _CIFAR,
        [
            "acquisition=forgetting_events",
            "train_ensemble.members=1",
            "train_ensemble.length={epochs: 3}",
            "train_subset_model.length={updates: 150}",
        ],
        budgets=(0.5,),
    ),
    # The same preset's own networks, for a target of two epochs in place of eight, with a judge of
    # another kind.
    "cifar10-core-set": Series(
        "svp_core_set_cpu",
        [
            "acquisition=forgetting_events",
            *TWO_JUDGES,
            "race.judge=resnet8_quarter",
            "train_subset_model.length={epochs: 2}",
        ],
        (0.5,),
        seeds=1,
        entrants=THREE,
    ),
    "photographs": Series(
        "images_cpu",
        [
            "dataset.image_size=24",
            "race.holdout=0.33",
            "train_ensemble.members=2",
            "compare.models=[resnet8_quarter]",
            "train_subset_model.length.updates=250",
            "evaluate.views=[identity]",
            "predict_pool.views=[identity]",
        ],
        (0.25, 0.5),
        seeds=3,
    ),
    # The preset as it is: three strategies, one growing round, another network as judge.
    "photographs-preset": Series(
        "images_cpu",
        ["acquisition=mutual_information", *TWO_JUDGES, "race.holdout=0.33"],
        (0.5,),
        seeds=3,
        entrants={name: FEW[name] for name in ("top", "window_10", "cut_10")},
        rounds=1,
    ),
    "sentences": Series(
        "svp_polarity_cpu",
        [
            "race.judge=fasttext",
            "compare.models=[fasttext]",
            *_FASTTEXT,
        ],
        (0.1, 0.25, 0.5),
        seeds=3,
    ),
    # Short texts for a network of characters, chosen by words.
    "sentences-vdcnn": Series(
        "svp_polarity_cpu",
        [
            *TWO_JUDGES,
            "race.length={updates: 3000}",
            "dataset.text_length=128",
            "train_subset_model.length={updates: 300}",
            "train_subset_model.batch_size=64",
        ],
        (0.5,),
        seeds=3,
        entrants=THREE,
    ),
    "scenes": Series(
        "detection_cpu",
        [*_DETECTION, "train_ensemble.length.updates=400", *updates(250)],
        (0.3,),
        seeds=3,
        entrants=THREE,
    ),
    "blood-cells": Series(
        "detection_bccd",
        [*_DETECTION, "dataset.image_size=[128, 96]", *_CROP, *updates(200)],
        (0.5,),
        seeds=3,
        entrants=THREE,
    ),
}
