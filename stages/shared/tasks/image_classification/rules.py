"""What params.yaml may say when images are classified."""

from stages.shared.tasks import Rules

RULES = Rules(
    has_labels=True,
    metrics=("accuracy", "balanced_accuracy", "macro_f1"),
    validation_metric="validation_accuracy",
    inputs="images",
    evaluation="classification",
    gallery="images",
    signals=("features", "gradient_norm"),
    only={"score.reduction": "max"},  # read where a sample has many outputs
)
