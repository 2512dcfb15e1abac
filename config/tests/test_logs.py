"""Log lines: for people in development; in production, where `make test-stack` reads them all, JSON."""

from tests import processes


def test_in_development_the_web_server_writes_for_people(transactional_db, tmp_path):
    with processes.web(log=tmp_path / "web.log", DEBUG="1") as url:
        assert url
    lines = (tmp_path / "web.log").read_text().splitlines()
    assert any("[info     ] Listening at" in line for line in lines)
    assert not any(line.startswith("{") for line in lines)
