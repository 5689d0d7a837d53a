"""What params.yaml may say when objects are detected."""

from stages.shared.tasks import Rules

_TRAINING = {
    f"{section}.{key}": value
    for section in ("train_ensemble", "train_subset_model")
    for key, value in {
        "label_smoothing": 0.0,
        "first_layer": "trained",
        "augmentation.border": "black",  # mirrored objects would have no boxes
        "train": "all",  # the last layer of its networks is not apart
        "optimizer.backbone": 1.0,
    }.items()
}

RULES = Rules(
    has_labels=False,
    # Confidence, margin and what is seen in training need one label for each image.
    acquisitions=("entropy", "error_count", "mutual_information", "random", "variation_ratios"),
    metrics=("mean_average_precision", "mean_average_precision_50", "weighted_average_precision"),
    validation_metric="validation_mean_average_precision",
    inputs="images",
    evaluation="detection",
    gallery="scenes",
    only={
        "seed_subset.stratified": False,
        "select.balanced": False,
        "select.min_per_class": 0,
        "predict_pool.views": ["identity"],
        "evaluate.views": ["identity"],
        "train_ensemble.track": "none",
        **_TRAINING,
    },
    never={"select.outliers": "all_voters_disagree"},
)
