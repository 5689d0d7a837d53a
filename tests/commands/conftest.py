"""The finished run that commands read."""

from finished_run import add_compared, finished, run  # noqa: F401
