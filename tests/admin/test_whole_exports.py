"""An export is a whole file of one moment in little memory, or there is none."""

import errno
import gc
import gzip
import tracemalloc
from functools import partial
from pathlib import Path
from urllib.parse import urlencode
from weakref import WeakSet

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models import Case, Func, TextField, Value, When
from django.urls import reverse
from openpyxl.worksheet._writer import ALL_TEMP_FILES

from backoffice.spreadsheets import exports
from backoffice.spreadsheets.columns import Column
from backoffice.spreadsheets.exports import Export, columns_of, make_file
from points.admin import PointAccountAdmin
from points.exports import BALANCES
from points.models import PointAccount
from tests.kit.database import execute
from tests.kit.files import fetch, rows_of
from tests.kit.operator import FORM, Operator

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = "points_pointaccount"
FEW, MANY, AT_ONCE = 300, 3_000, 100
A_ROW = 64  # bytes, of which one that is kept takes several times as many


def accounts(count):
    """So many members with a balance of 10 won."""
    execute("INSERT INTO users_user (name) SELECT 'a' || n FROM generate_series(1, %s) n", count)
    execute("INSERT INTO points_pointaccount (user_id, balance) SELECT id, 10 FROM users_user")


def sleeping(seconds):
    """Balances, reading which takes so long a row."""
    pause = Func(seconds, function="pg_sleep", output_field=TextField())
    columns = columns_of(PointAccount, {"user_id": "", "balance": "", "pause": TextField("pause")})
    return Export(PointAccount, columns, rows=lambda found: found.annotate(pause=pause))


@pytest.fixture
def hasty(admin_client, monkeypatch):
    """A browser of staff for whom no statement takes longer than 300 ms, and a row is read by each."""
    monkeypatch.setattr(exports, "BATCH_SIZE", 1)
    execute("SET statement_timeout = '300ms'")
    yield admin_client
    execute("RESET statement_timeout")


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_export_that_fails_at_its_last_row_is_a_page_in_words_and_no_file(hasty, monkeypatch, kind):
    accounts(5)
    last = PointAccount.objects.latest("pk").pk
    pause = Case(When(pk=last, then=Value(5.0)), default=Value(0.0))
    monkeypatch.setattr(PointAccountAdmin, "exports", (sleeping(pause),))
    answer = hasty.post(reverse(f"admin:{TABLE}_export"), {"format": {"csv": "0", "xlsx": "1"}[kind]})
    assert (answer.status_code, answer.streaming) == (503, False)
    assert execute("SELECT count(*) FROM django_admin_log") == [(0,)]
    assert not [path for path in ALL_TEMP_FILES if Path(path).exists()]


def test_time_out_of_a_statement_is_no_bound_of_the_whole_file(hasty, monkeypatch):
    accounts(8)
    monkeypatch.setattr(PointAccountAdmin, "exports", (sleeping(Value(0.1)),))
    assert len(rows_of(fetch(hasty, TABLE, "csv"))) == 9
    monkeypatch.setattr(exports, "BATCH_SIZE", 8)  # one statement for all
    assert hasty.post(reverse(f"admin:{TABLE}_export"), {"format": "0"}).status_code == 503


def test_rows_are_of_one_moment_whatever_is_committed_meanwhile(monkeypatch):
    monkeypatch.setattr(exports, "BATCH_SIZE", 1)
    accounts(5)
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:

        class Meddling(Column):
            """Changes every balance once a first one is read."""

            def show(self, value, *, typed):
                other.execute("UPDATE points_pointaccount SET balance = 11 WHERE balance = 10")
                other.commit()
                return super().show(value, typed=typed)

        columns = columns_of(PointAccount, {"balance": ""}, kinds={"balance": Meddling})
        file = make_file(columns=columns(), rows=PointAccount.objects.order_by("pk"), is_xlsx=False)
    with file.content:
        assert rows_of(gzip.decompress(file.content.read()))[1:] == [["10"]] * 5
    assert {*PointAccount.objects.values_list("balance", flat=True)} == {11}  # it was committed meanwhile


def peak(make):
    """The most bytes that making a file held at once."""
    tracemalloc.start()
    try:
        with make().content:
            return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def make(*, rows, is_xlsx):
    found = PointAccount.objects.order_by("pk")
    found = found.filter(pk__lte=found.values("pk")[rows - 1 : rows])
    file = make_file(columns=BALANCES.columns(), rows=found, is_xlsx=is_xlsx)
    assert file.rows == rows
    return file


@pytest.mark.parametrize("is_xlsx", [False, True], ids=["csv", "xlsx"])
def test_memory_grows_little_when_rows_grow_tenfold(monkeypatch, is_xlsx):
    monkeypatch.setattr(exports, "BATCH_SIZE", AT_ONCE)
    accounts(MANY)
    make(rows=FEW, is_xlsx=is_xlsx).content.close()  # caches
    few, many = (peak(partial(make, rows=rows, is_xlsx=is_xlsx)) for rows in (FEW, MANY))
    assert many - few < A_ROW * (MANY - FEW)


def test_rows_that_are_read_all_at_once_would_be_noticed(monkeypatch):
    monkeypatch.setattr(exports, "BATCH_SIZE", MANY)
    accounts(MANY)
    make(rows=FEW, is_xlsx=False).content.close()  # caches
    few, many = (peak(partial(make, rows=rows, is_xlsx=False)) for rows in (FEW, MANY))
    assert many - few > A_ROW * (MANY - FEW)


@pytest.mark.parametrize("has_pgbouncer", [False, True])
def test_rows_come_by_a_cursor_whether_or_not_others_may_have_one(monkeypatch, has_pgbouncer):
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", has_pgbouncer)
    accounts(1)
    cursors = []

    def look(execute, sql, params, many, context):
        cursors.append(getattr(context["cursor"].cursor, "name", None))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        make(rows=1, is_xlsx=False).content.close()
    assert any(cursors)
    cursors.clear()
    with connection.execute_wrapper(look):
        assert [*PointAccount.objects.iterator()]
    assert any(cursors) != has_pgbouncer  # the setting does turn off those of the ORM


def test_more_rows_than_a_file_holds_are_refused_in_words(admin_client, monkeypatch):
    monkeypatch.setattr(exports, "MAX_CSV_ROWS", 2)
    accounts(3)
    answer = admin_client.post(reverse(f"admin:{TABLE}_export"), {"format": "0"})
    assert not answer.streaming
    assert "2행까지" in str(next(iter(answer.context["messages"])))
    assert "2+행" in admin_client.get(reverse(f"admin:{TABLE}_export")).content.decode()
    assert len(rows_of(fetch(admin_client, TABLE, "csv", query="?q=1"))) <= 2


def test_files_that_nobody_reads_are_bounded_and_one_that_is_read_makes_room(admin_client, monkeypatch):
    monkeypatch.setattr(exports, "MAX_OPEN", 2)
    monkeypatch.setattr(exports, "_open", WeakSet())
    accounts(1)
    kept = [make(rows=1, is_xlsx=False) for _ in range(2)]
    url = reverse(f"admin:{TABLE}_export")
    assert "내려받는 파일이 너무 많아" in admin_client.post(url, {"format": "0"}).content.decode()
    kept.pop().content.close()
    assert len(rows_of(fetch(admin_client, TABLE, "csv"))) == 2
    kept.pop().content.close()


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_files_that_are_downloaded_from_a_web_server_make_room(http, encoding):
    operator = Operator(http).with_session()
    tab = operator.open(f"/admin/{TABLE.replace('_', '/', 1)}/export/")
    headers, body = {**FORM, "Accept-Encoding": encoding}, urlencode({**tab.fields(), "format": "0"})
    for _ in range(2 * exports.MAX_OPEN + 1):  # there are two processes
        answer = operator._ask("POST", tab.path, headers=headers, body=body)
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"


def test_export_for_which_there_is_no_room_is_refused_in_words(admin_client, monkeypatch):
    monkeypatch.setattr(exports, "TemporaryFile", partial(Path("/dev/full").open, "w+b"))
    accounts(1)
    answer = admin_client.post(reverse(f"admin:{TABLE}_export"), {"format": "0"})
    assert (answer.status_code, answer.streaming) == (200, False)
    assert "자리가 없어" in answer.content.decode()


def test_export_that_failed_leaves_nothing_that_could_end_a_later_transaction(admin_client, monkeypatch):
    def fill_the_disk(_file, lines):
        next(lines), next(lines)  # the headings, and a row with the first fetch
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(exports, "_write_csv", fill_the_disk)
    monkeypatch.setattr(exports, "BATCH_SIZE", AT_ONCE)
    accounts(FEW)
    gc.disable()
    try:
        admin_client.post(reverse(f"admin:{TABLE}_export"), {"format": "0"})
        with transaction.atomic():
            execute("SELECT 1")
            gc.collect()  # what the failure left would be closed here
            execute("SELECT 1")
    finally:
        gc.enable()
