"""The stages of the pipeline; see DESIGN.md."""

import time

# This is imported first, so the seconds of a stage count its imports too.
STARTED = time.perf_counter()
