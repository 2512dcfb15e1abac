"""Pictures that can be read on a light page and on a dark one."""

from io import StringIO
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

# Light and dark change places, and hues come back, so that one drawing serves both pages.
DARK = "<style>@media (prefers-color-scheme: dark) {svg {filter: invert(0.88) hue-rotate(180deg)}}</style>"


def save(figure: Figure, path: Path) -> None:
    """Write it as SVG, the same bytes for the same figures; texts stay texts."""
    drawn = StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": path.stem}):
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    path.write_text(drawn.getvalue().replace("<defs>", f"{DARK}\n <defs>", 1))
