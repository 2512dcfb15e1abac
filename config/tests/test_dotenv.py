"""`.env` is read as it is written, or the start is refused by file and line."""

import os
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.dotenv import SettingsError, load

SECRET = "hunter2"
OTHERS = {"ecret": "expanded", "HOME": "expanded"}


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], dict[str, str]]:
    """What a file with these bytes sets."""

    def reader(content: bytes) -> dict[str, str]:
        file = tmp_path / ".env"
        file.write_bytes(content)
        with monkeypatch.context() as patch:
            patch.setattr(os, "environ", dict(OTHERS))
            load(file)
            return {name: value for name, value in os.environ.items() if name not in OTHERS}

    return reader


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("A=", ""),
        ("A = b ", "b"),
        ("\t A=b\t", "b"),
        ("export A=b", "b"),
        ("  export\tA = 'b'", "b"),
        ("A=$ecret", "$ecret"),
        ("A=${HOME}$(id)`id`", "${HOME}$(id)`id`"),
        (r"A=\$\n\t\\", r"\$\n\t\\"),
        (r"A='\'", "\\"),
        (r'A="a\"b"', r"a\"b"),
        ("A=a#b", "a#b"),
        ("A=#b", "#b"),
        ("A=a #b", "a"),
        ("A=a\t# b", "a"),
        ("A= # b", ""),
        ("A='a # b'", "a # b"),
        ("A='a' # b", "a"),
        ('A="a" # says "b"', "a"),
        ('A="a"b"', 'a"b'),
        ("A='it's'", "it's"),
        ("A='\"a\"'", '"a"'),
        ("A=''", ""),
        ("A=' a '", " a "),
        ("A=a=b==", "a=b=="),
        ("A=a'b", "a'b"),
        ("A=b\u2028c\x0cd\x85e", "b\u2028c\x0cd\x85e"),
        ("A=\u00a0비밀\u3000", "\u00a0비밀\u3000"),
    ],
)
def test_value_is_what_is_written(read, line, value):
    assert read(line.encode()) == {"A": value}


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_lines_end_as_on_any_system(read, start, end):
    content = start + end.join([b"A=1", b"", b"# B=2", b"  # C=3", b"D=4", b""])
    assert read(content) == {"A": "1", "D": "4"}


@given(value=st.text(st.characters(exclude_characters="\r\n\0'", exclude_categories=["Cs"])))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
def test_quoted_value_is_read_as_written(read, value):
    assert read(f"A='{value}'".encode()) == {"A": value}


def test_environment_wins_over_the_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("A=file\n")
    monkeypatch.setenv("A", "")
    load(tmp_path / ".env")
    assert os.environ["A"] == ""


def test_missing_file_sets_nothing(tmp_path):
    assert load(tmp_path / ".env") == {}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"A=1\nSECRET: hunter2\n", 2),
        (b"A=1\n\n# remark\nhunter2\n", 4),
        (b"A=1\r\nB=2\r\nhunter2\r\n", 3),
        (b"A=1\rB=2\rhunter2\r", 3),
        (b"export hunter2", 1),
        (b"SECRET\n=hunter2", 1),
        (b"=hunter2", 1),
        (b"1A=hunter2", 1),
        (b"A-B=hunter2", 1),
        (b"A B=hunter2", 1),
        (b"set A=hunter2", 1),
        (b"A+=hunter2", 1),
        ("비밀=hunter2".encode(), 1),
        (b"A='hunter2", 1),
        (b'A="hunter2\nB=2"', 1),
        (b"A='hunter2\"", 1),
        (b"A='hunter2' x", 1),
        (b"A='hunter2'#x", 1),
        (b"A=1\nB=2\nA=hunter2", 3),
        (b"A=1\nexport A=hunter2", 2),
        ("A=1\n# 비밀\nB=hunter2".encode("cp949"), 2),
        (b"A=1\nB=hunter2\xff\n", 2),
        ("A=hunter2\n".encode("utf-16"), 1),
        ("A=hunter2\n".encode("utf-16-be"), 1),
        ("A=1\nB=hunter2\n".encode("utf-16-le"), 1),
        (b"A=1\nB=hunter2\0\n", 2),
        (b"A=1\n\xef\xbb\xbfB=hunter2\n", 2),
        (b"PROMETHEUS_MULTIPROC_DIR=hunter2", 1),
        (b"DJANGO_SETTINGS_MODULE=hunter2", 1),
    ],
    ids=ascii,
)
def test_unreadable_line_is_refused_by_number_and_not_shown(read, content, line):
    with pytest.raises(SettingsError, match=rf"/\.env, line {line}: ") as refused:
        read(content)
    assert SECRET not in "".join(traceback.format_exception(refused.value))


def test_file_that_cannot_be_opened_is_refused(tmp_path):
    folder, dangling, loop = (tmp_path / name for name in ("folder", "dangling", "loop"))
    folder.mkdir()
    dangling.symlink_to("nowhere")
    loop.symlink_to("loop")
    for file in (folder, dangling, loop):
        with pytest.raises(SettingsError, match=str(file)):
            load(file)
