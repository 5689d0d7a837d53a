"""The finished run that the report is made of."""

from finished_run import add_compared, finished, reported, run, with_extras  # noqa: F401
