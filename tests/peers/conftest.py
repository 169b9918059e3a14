import pytest

import netsonde


@pytest.fixture(scope="session")
def binary():
    return netsonde.find_binary()
