"""The commands to try of README.md and docs/api.md in a shell, against the running stack."""

import json
import re
import subprocess

import pytest

from tests.kit.compose import GIVEN
from tests.kit.machine import Machine
from tests.kit.processes import ROOT

TRY_IT = re.compile(r"(?ms)^```sh\n(API=.*?)^```")
# What the page leaves to the reader: a newline after each answer. And what the gateway in front would add.
CURLRC = (
    'silent\nfail-with-body\nwrite-out = "\\n"\nheader = "X-Gateway-Secret: {}"\n'
    'header = "Host: shop.example"\n'
)


def shown(page: str) -> str:
    (block,) = TRY_IT.findall((ROOT / page).read_text())
    return block


@pytest.mark.parametrize("page", ["README.md", "docs/api.md"])
def test_commands_to_try_all_answer_without_an_error(stack: Machine, tmp_path, page: str):
    (tmp_path / ".curlrc").write_text(CURLRC.format(GIVEN["GATEWAY_SECRET"]))
    script = shown(page).replace("127.0.0.1:8000", f"127.0.0.1:{stack.port('web')}")
    shell = ["bash", "-e", "-c", script]
    done = subprocess.run(
        shell, env={"CURL_HOME": str(tmp_path)}, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(answers) == len(re.findall(r"(?m)^curl ", script))
    assert {"paid"} == {each["status"] for each in answers if "ordered_at" in each}


def test_readme_shows_the_same_commands_in_both_languages():
    for pair in (("README.md", "README.ko.md"), ("docs/api.md", "docs/ko/api.md")):
        english, korean = (re.findall(r"(?m)^(?!#).+", shown(page)) for page in pair)
        assert [line.partition("#")[0] for line in english] == [line.partition("#")[0] for line in korean]
