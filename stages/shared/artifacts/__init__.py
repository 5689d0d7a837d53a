"""Every file that passes between stages: one `save_x` and one `load_x` side by side.

Formats are .npy without pickle, .csv, .json and (in weights.py, which needs torch) .safetensors.
Both sides check dtype, shape and what the shapes have in common. Equal content gives equal bytes:
DVC then stops where a result did not change.

Shapes: N train samples (rows of the prepared train split), P picks of a subset, M voters or
members, T test samples, V validation samples, S sampled train samples, H x W x K pixels and
channels, E epochs.
"""

from stages.shared.artifacts.box_lists import BoxList, load_boxes, load_train_boxes, save_boxes
from stages.shared.artifacts.csv_files import (
    Rows,
    load_column,
    load_rows,
    load_table,
    maybe,
    save_rows,
    save_table,
    table_bytes,
)
from stages.shared.artifacts.ensembles import (
    Checkpoint,
    Ensemble,
    Epoch,
    load_ensemble,
    load_history,
    save_ensemble,
    save_history,
)
from stages.shared.artifacts.evaluations import (
    ENSEMBLE,
    Evaluation,
    load_evaluation,
    save_evaluation,
)
from stages.shared.artifacts.formats import (
    Array,
    Floats,
    Ints,
    create_array,
    load_array,
    load_json,
    save_array,
    save_json,
)
from stages.shared.artifacts.heat_maps import (
    HeatMaps,
    has_heat_maps,
    load_heat_maps,
    save_heat_maps,
)
from stages.shared.artifacts.prepared import (
    SPLITS,
    FileList,
    Meta,
    Split,
    has_file_list,
    has_groups,
    load_file_list,
    load_groups,
    load_inputs,
    load_meta,
    load_sample_ids,
    load_targets,
    save_file_list,
    save_groups,
    save_meta,
    save_sample_ids,
    save_targets,
)
from stages.shared.artifacts.saved_dynamics import (
    Dynamics,
    load_dynamics,
    no_dynamics,
    save_dynamics,
    stack_dynamics,
)
from stages.shared.artifacts.scores import (
    Correlations,
    load_correlations,
    load_scores,
    save_correlations,
    save_scores,
)
from stages.shared.artifacts.sequences import Kind as TextKind
from stages.shared.artifacts.sequences import Sequences, load_sequences, save_sequences
from stages.shared.artifacts.signals import (
    OPTIONAL_SIGNAL_DTYPES,
    REDUCED_ACQUISITIONS,
    REDUCED_SIGNALS,
    SIGNAL_DTYPES,
    GradientBatch,
    ValidationResult,
    Voter,
    has_signal,
    load_gradient_batches,
    load_signal,
    load_signals,
    load_validation,
    load_validation_signal,
    load_voters,
    save_gradient_batches,
    save_validation,
    save_voters,
    signal_dtype,
)
from stages.shared.artifacts.subsets import (
    Subset,
    load_as_long_as,
    load_order,
    load_subset,
    save_as_long_as,
    save_order,
    save_subset,
)
from stages.shared.artifacts.user_lists import (
    Line,
    Listed,
    check_lists,
    load_list,
    load_sample_list,
)
from stages.shared.artifacts.vectors import load_vectors, save_vectors
