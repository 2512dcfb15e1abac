"""Every command that a document shows is there, with the options it is shown with."""

import pytest

from tests.house.commands import PAGES, documented, wrong_with
from tests.kit.processes import ROOT

SHOWN = sorted({(str(page.relative_to(ROOT)), c) for page in PAGES for c in documented(page.read_text())})


@pytest.mark.parametrize(("page", "command"), SHOWN)
def test_documented_command_would_run(page: str, command: str):
    assert wrong_with(command) == ""


@pytest.mark.parametrize(
    "command",
    [
        "make benchmarks",
        "make chaos SECOND=60",
        'make bench ARGS="--scenario orders"',
        "python -m benchmarks.histories --orders 10",
        "python -m benchmarks.history --order-count 10",
        "manage.py redeliver",
        "manage.py redeliver_events --state lost",
        "docker compose up --detached",
        "docker compose run --rm workers python manage.py audit",
        "docker compose exec worker python manage.py audits",
        "docker compose --profile metrics up",
        "kubectl apply --kustomize deploy/kubernete",
        "kubectl rollout status deployment/webs",
        "kubectl exec deployment/worker -- python manage.py audits",
        "celery -A config work",
        "pip install -r requirements-test.txt",
    ],
)
def test_documented_command_that_would_not_run_is_noticed(command: str):
    assert wrong_with(command) != ""


def test_documented_program_that_is_unknown_is_noticed():
    with pytest.raises(KeyError):
        wrong_with("podman-compose up")


def test_documented_commands_of_a_page_are_found():
    page = "Run `make stop`.\n\n```sh\ncd x && make run  # opens\ncurl a \\\n  -d '#1'\n```\n`psql`\n"
    assert [*documented(page)] == ["cd x", "make run", "curl a    -d '#1'", "make stop"]
