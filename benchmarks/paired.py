"""python -m benchmarks.paired REVISION: an earlier revision and this tree, side by side and in turn.

Each is a whole shop with servers of its own. Both stay up; one at a time has clients. Only ratios of two
turns that follow each other count: the machine's own speed changes from minute to minute.
"""

import argparse
import signal
import sys
from collections import Counter
from collections.abc import Iterable
from itertools import product
from pathlib import Path

from benchmarks import revisions
from benchmarks.pairs import PAIRED, Pair, Turn, parts, table
from benchmarks.scenarios import READS, Scenario
from benchmarks.shops import Shop, open_shop
from tests.kit.processes import open_folder

# Each thread of a web server has a connection, and prepares a statement there when it comes the fifth time.
WARM_UP_SECONDS = 2


def main() -> None:
    """Compare, print the ratios, and fail where books are wrong or something unexpected was answered."""
    options = _options()
    try:
        sha = revisions.commit(options.revision)
    except revisions.UnknownRevision as unknown:
        sys.exit(f"git knows no revision {unknown}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # with the shops
    print(f"{sha[:7]} (before) and this tree, {revisions.describe()} (after)")
    with open_folder("paired") as folder:
        revisions.check_out(sha, folder / "before")
        revisions.copy_this_tree(folder / "after")
        python = revisions.python(sha)
        with (
            open_shop(tree=folder / "before", python=python, folder=folder / "shop-before") as before,
            open_shop(
                tree=folder / "after", python=Path(sys.executable), folder=folder / "shop-after"
            ) as after,
        ):
            wrong = compare(before, after, options)
    print(f"\naudit and answers: {'; '.join(wrong) or 'nothing unexpected'}")
    sys.exit(bool(wrong))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paired", description=main.__doc__)
    parser.add_argument("revision", help="what git knows the earlier one by")
    parser.add_argument("--only", nargs="*", default=[*PAIRED], choices=[*PAIRED], metavar="NAME")
    parser.add_argument("--pairs", type=int, default=5, help="how many turns each has")
    parser.add_argument("--seconds", type=float, default=3, help="how long a turn takes")
    return parser.parse_args()


def compare(before: Shop, after: Shop, options: argparse.Namespace) -> list[str]:
    """Print how the two compare in each scenario; what was wrong of either."""
    shops = {"before": before, "after": after}
    unexpected = {name: Counter[str]() for name in shops}

    def turn(name: str, scenario: Scenario, seconds: float) -> Turn:
        measured = shops[name].load(scenario, seconds=seconds)
        unexpected[name].update(scenario.unexpected(measured.outcomes))
        if not scenario.answered(measured.outcomes):
            sys.exit(f"{name} answered {scenario.name} with nothing but {measured.outcomes}")
        return Turn.of(scenario, measured)

    pairs: dict[str, list[Pair]] = {}
    chosen = [scenario for name, scenario in PAIRED.items() if name in options.only]
    # Reads first: what the best sellers cost depends on how many orders came in the minutes before.
    reads = [scenario for scenario in chosen if scenario in READS]
    writes = [scenario for scenario in chosen if scenario not in READS]
    for scenarios, number in product(filter(None, (reads, writes)), range(options.pairs)):
        _start_anew(shops.values())
        for scenario in scenarios:
            for name in shops:
                turn(name, scenario, WARM_UP_SECONDS)
            # A B B A: whoever comes second in one pair comes first in the next.
            order = [*shops][:: -1 if number % 2 else 1]
            turns = {name: turn(name, scenario, options.seconds) for name in order}
            pairs.setdefault(scenario.name, []).append(Pair(**turns))
            print(f"{scenario.name}: {pairs[scenario.name][-1].ratios}", flush=True)
    print(f"\n{table(pairs)}\n\n{parts(pairs)}")
    answers = [f"{name} answered {dict(odd)}" for name, odd in unexpected.items() if odd]
    return answers + [f"{name}: {fault}" for name, shop in shops.items() for fault in shop.faults()]


def _start_anew(shops: Iterable[Shop]) -> None:
    for shop in shops:
        shop.start()
    for shop in shops:
        shop.wait_until_ready()


if __name__ == "__main__":
    main()
