"""benchmarks/report.py: the tables and the picture of `make bench`."""

from pathlib import Path

import pytest

from benchmarks.drawing import save
from benchmarks.growth import picture as growth
from benchmarks.report import GROUPS, picture, tables
from benchmarks.runs import QUANTILES, Result
from benchmarks.scenarios import SCENARIOS


def result(name: str) -> Result:
    return Result(
        name=name,
        title=SCENARIOS[name].title,
        clients=16,
        runs=1,
        rate=700,
        floor=None,
        noop=1000,
        noop_cpu=0.001,
        quantiles=dict.fromkeys(QUANTILES, 0.002),
        cpu=dict.fromkeys(GROUPS, 0.0) | {"web": 0.001, "postgres": 0.0005},
        paced_rate=420,
        paced_quantiles=dict.fromkeys(QUANTILES, 0.002),
        done=100,
        refused=0,
    )


def test_tables_show_each_read_beside_the_view_that_does_nothing() -> None:
    *_, beside = tables([result("orders"), result("product")], None)
    assert beside.splitlines()[2:] == ["| product | 700 | 1,000 | 0.70 | 1.50 | 1.00 | 1.50 |"]


@pytest.mark.parametrize("name", ["orders", "product"])
def test_picture_names_scenarios_in_words_and_axes_with_units(name: str) -> None:
    rates, waits, costs = picture([result(name)]).axes
    assert [label.get_text() for label in rates.get_yticklabels()] == [SCENARIOS[name].title]
    assert rates.get_xlabel() == "answers a second"
    assert waits.get_xlabel() == "milliseconds until answered"
    assert costs.get_xlabel() == "milliseconds of processor time an answer"


def test_picture_of_waits_goes_from_a_millisecond_to_a_second_at_least() -> None:
    _, waits, _ = picture([result("product")]).axes
    left, right = waits.get_xlim()
    assert 0.5 < left <= 1
    assert right == 1000


def test_picture_of_growth_has_a_row_for_each_operation_and_a_unit() -> None:
    sizes = {orders: {"web": 1.0, "postgres": 0.1} for orders in (10_000, 100_000)}
    [axes] = growth({"charge": sizes, "product": sizes}).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["charge", "product"]
    assert axes.get_xlabel() == "processor time an operation ÷ that at 10,000 orders"


def test_picture_has_colours_for_a_dark_page_and_the_same_bytes_again(tmp_path: Path) -> None:
    written = [tmp_path / "bench.svg", tmp_path / "again" / "bench.svg"]
    for path in written:
        path.parent.mkdir(exist_ok=True)
        save(picture([result("product")]), path)
    first, again = (path.read_text() for path in written)
    assert "prefers-color-scheme: dark" in first
    assert first == again
