"""Random histories against a model: `pytest tests/model`, or 200 × 50 with `--hypothesis-profile=model-long`.

`pytest` leaves this folder out.
"""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.kit.platforms import recorder
from tests.model.deliveries import Deliveries

settings.register_profile(
    "model", max_examples=10, stateful_step_count=20, deadline=None, database=None, print_blob=True
)
settings.register_profile(
    "model-long", settings.get_profile("model"), max_examples=200, stateful_step_count=50
)
settings.load_profile("model")


@pytest.fixture
def deliveries(transactional_db) -> Iterator[Deliveries]:
    """A data platform in this process. Nothing is logged: a history fails with its steps, not its log."""
    logging.disable(logging.WARNING)
    try:
        with recorder() as platform:
            yield Deliveries(platform)
    finally:
        logging.disable(logging.NOTSET)
