"""Clients generated from the document buy in the running shop, in four ways and three languages."""

import shutil
from pathlib import Path

from orders.models import Order
from tests.clients import tools
from tests.clients.conftest import Market
from tests.clients.tools import INSTALLED, MODULES, PYTHON, SOURCES, told
from tests.kit.invariants import broken_rules
from tests.kit.processes import ROOT

# As strict as the examples are.
EXAMPLES = ROOT / "examples" / "typescript"


def check(output: str) -> None:
    """A purchase said what came of it, exactly, and the shop's books agree."""
    order = Order.objects.get()
    seen = told(output)
    assert seen.pop("ordered_at").endswith("+09:00")
    assert seen == {
        "charged": 3_000_000_000,
        "sequence": 1,
        "quoted": 2_500_000_000,
        "paid": 2_500_000_000,
        "replayed": True,
        "available": 3,
        "invalid": "/items/0/quantity",
        "pages": [-2_500_000_000, 3_000_000_000],
        "best": 2,
    }
    assert order.total == 2_500_000_000
    assert broken_rules() == []


def test_openapi_fetch_buys_by_typescript_s_strictest_types(market: Market, folder: Path) -> None:
    place = folder / "typescript"
    place.mkdir()
    for file in (SOURCES / "package.json", SOURCES / "purchase.ts", EXAMPLES / "tsconfig.json"):
        shutil.copy(file, place)
    (place / "node_modules").symlink_to(MODULES)
    tools.run(tools.npm("openapi-typescript"), market.document, "-o", "schema.ts", folder=place)
    tools.run(tools.npm("tsc"), folder=place)
    check(tools.run("node", "purchase.js", *market.arguments(), folder=place))


def test_openapi_generator_s_python_client_buys(market: Market, folder: Path) -> None:
    place = generate(market, folder / "generator-python", "python", "packageName=pointshop_client")
    program = SOURCES / "purchase_by_openapi_generator.py"
    check(tools.run(PYTHON, program, *market.arguments(), folder=place, PYTHONPATH=str(place)))


def test_openapi_generator_s_java_client_buys(market: Market, folder: Path) -> None:
    tools.require("javac")
    place = generate(
        market, folder / "generator-java", "java", "library=native,openApiNullable=false,dateLibrary=java8"
    )
    jar = next(INSTALLED.rglob("openapi-generator.jar"))
    sources = sorted((place / "src" / "main" / "java").rglob("*.java"))
    (place / "sources").write_text("\n".join(map(str, sources)))
    own = (SOURCES / "Generated.java", SOURCES / "Purchase.java")
    tools.run(
        "javac", "-nowarn", "-encoding", "UTF-8", "-cp", jar, "-d", "classes", "@sources", *own, folder=place
    )
    run = ("java", "-cp", f"classes:{jar}", "Purchase", *market.arguments())
    check(tools.run(*run, folder=place))


def test_openapi_python_client_buys(market: Market, folder: Path) -> None:
    place = folder / "python-client"
    place.mkdir()
    (place / "config.yaml").write_text("package_name_override: pointshop_client\npost_hooks: []\n")
    command = (tools.python_tool("openapi-python-client"), "generate", "--path", market.document)
    output = tools.run(*command, "--output-path", "client", "--config", "config.yaml", folder=place)
    assert "warning" not in output.lower(), output
    program = SOURCES / "purchase_by_openapi_python_client.py"
    library = str(place / "client")
    check(tools.run(PYTHON, program, *market.arguments(), folder=place, PYTHONPATH=library))


def generate(market: Market, place: Path, language: str, options: str) -> Path:
    """A client by openapi-generator, in a folder of its own."""
    command = (tools.python_tool("openapi-generator-cli"), "generate", "-i", market.document, "-g", language)
    place.mkdir()
    tools.run(*command, "-o", place, f"--additional-properties={options}", folder=place)
    return place
