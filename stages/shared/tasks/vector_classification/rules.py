"""What params.yaml may say when vectors are classified."""

from stages.shared.tasks import Rules

_NOT_AUGMENTED = {
    f"{section}.{key}": value
    for section in ("train_ensemble", "train_subset_model")
    for key, value in {
        "augmentation.crop_padding": 0,
        "augmentation.horizontal_flip": False,
        "augmentation.scale": [1.0, 1.0],
        "first_layer": "trained",
    }.items()
}

RULES = Rules(
    has_labels=True,
    metrics=("accuracy", "balanced_accuracy", "macro_f1"),
    validation_metric="validation_accuracy",
    inputs="vectors",
    evaluation="classification",
    gallery="vectors",
    signals=("features", "gradient_norm"),
    only={
        "score.reduction": "max",  # read where a sample has many outputs
        "predict_pool.views": ["identity"],
        "evaluate.views": ["identity"],
        "train_ensemble.weights": "trained",
        "dataset.image_size": None,
        "dataset.manifest": "lists/manifest.csv",  # which is empty
        "dataset.storage": "auto",
        **_NOT_AUGMENTED,
    },
)
