"""Processes are found by what their command lines say."""

import subprocess
import sys

from core.embedded.processes import command_lines, wait_until


def test_process_has_its_command_line_and_a_zombie_none():
    with subprocess.Popen([sys.executable, "-c", "input()", "two  blanks"], stdin=subprocess.PIPE) as child:
        assert "input() two  blanks" in command_lines()[child.pid]
        child.kill()
        assert wait_until(lambda: not command_lines()[child.pid], seconds=10)
