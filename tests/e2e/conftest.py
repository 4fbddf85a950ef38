"""What the end-to-end tests share."""

import pytest

from tests.servers import running_mosquitto


@pytest.fixture
def broker(tmp_path):
    """Run a mosquitto for anybody on a free port."""
    with running_mosquitto(tmp_path / "mosquitto") as running:
        yield running
