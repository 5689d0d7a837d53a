"""What the tests of detection share."""

import pytest
import toy_scenes


@pytest.fixture(scope="package")
def prepared(tmp_path_factory):
    """A prepared data set of 40 + 12 + 24 toy scenes."""
    folder = tmp_path_factory.mktemp("scenes")
    toy_scenes.write_prepared(folder)
    return folder
