"""The finished run that commands read."""

from finished_run import finished, run  # noqa: F401
