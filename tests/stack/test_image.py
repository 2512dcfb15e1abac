"""What the image has: nothing installed but its lock, and all that it carries can be used with that."""

import json
import secrets
import subprocess

from tests.kit.dependencies import BROUGHT_BY_VENV, pins
from tests.kit.machine import VENV, Machine
from tests.kit.plain_sql import GatewayClient
from tests.kit.processes import ROOT

INSTALLED = """
import json
from importlib.metadata import distributions
print(json.dumps({each.name: each.version for each in distributions()}))
"""
IMPORT_ALL = """
import importlib, pathlib
import django
django.setup()
for path in sorted(pathlib.Path().rglob("*.py")):
    if path.name not in {"manage.py", "gunicorn.py"}:
        importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
        print(path)
"""


def test_image_installs_only_what_its_lock_names():
    said = json.loads(subprocess.check_output([VENV / "python", "-c", INSTALLED], text=True))
    installed = {name.lower().replace("_", "-"): version for name, version in said.items()}
    locked = {name: str(version) for name, version in pins(ROOT / "locks/image.txt").items()}
    assert {name: version for name, version in installed.items() if name not in BROUGHT_BY_VENV} == locked


def test_modules_of_the_image_can_all_be_imported(stack: Machine):
    done = stack.run("web", "python", "-c", IMPORT_ALL, DJANGO_SETTINGS_MODULE="config.settings")
    assert done.returncode == 0, done.stderr
    assert {"orders/admin.py", "orders/tasks.py", "config/wsgi.py"} <= {*done.stdout.split()}


def test_settings_of_the_image_pass_the_checks_of_a_deployment(stack: Machine):
    check = ("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    checked = stack.run("web", *check, SECRET_KEY=secrets.token_urlsafe(50))
    assert checked.returncode == 0, checked.stderr
    planned = stack.run("migrate", "python", "manage.py", "migrate", "--plan")
    assert planned.returncode == 0, planned.stderr
    assert "No planned migration operations." in planned.stdout
    served = stack.run("web", *stack.service("web").command, "--check-config")
    assert served.returncode == 0, served.stderr


def test_admin_of_the_image_opens(http: GatewayClient):
    assert http.get("/admin/login/", headers={"X-Forwarded-Proto": "https"}).status == 200


def test_image_has_no_command_for_demo_data(stack: Machine):
    done = stack.run("web", "python", "manage.py", "seed_demo")
    assert done.returncode != 0
    assert "Unknown command: 'seed_demo'" in done.stderr
