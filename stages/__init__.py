"""The stages of the pipeline; see DESIGN.md."""

import os
import signal
import threading
import time

# This is imported first, so the seconds of a stage count its imports too.
STARTED = time.perf_counter()

# And Ctrl-C ends a stage that is still importing, and worker processes, without a traceback of
# each; the stage itself says one line once it runs (ending.py). Ignored it stays ignored.
if (
    "DVC_STAGE" in os.environ
    and threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.default_int_handler
):
    signal.signal(signal.SIGINT, signal.SIG_DFL)

# Threads of torch that wait for one another spin for some milliseconds, each on its core. Where
# other programs want these cores, prediction is about 1.6 times and a training of two threads twice
# as fast if they sleep sooner; idle, three noisy runs show no clear difference. To sleep at once
# (OMP_WAIT_POLICY=PASSIVE) costs such trainings two fifths to three quarters of their speed there.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
