"""What params.yaml may say when vectors are classified."""

from stages.shared.tasks import NOT_AUGMENTED, Rules

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
        "dataset.image_size": None,
        "dataset.manifest": "lists/manifest.csv",  # which is empty
        "dataset.storage": "auto",
        **NOT_AUGMENTED,
    },
)
