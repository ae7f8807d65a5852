import asyncio
import sys

from click.testing import CliRunner

from bot.cli import cli
from bot.cli.demo.local_teams import CLIENT

LINES = b"""open Round the totals as maya
vote 1 10 as jonas
vote 9 10 as jonas
vote 1 10 as nobody
what is this
quit
"""


async def test_it_names_the_client_takes_lines_and_ends() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from bot.cli import main; main()",
        "demo",
        "--local-teams",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(LINES)
    told = out.decode()
    assert process.returncode == 0, err.decode()
    assert f"{CLIENT} -e http://127.0.0.1:" in told
    assert told.count("refuses") == 1  # only the vote on the one that is not there
    assert "there is nobody called nobody; there are maya, jonas, priya, alex" in told
    assert told.count("vote N") == 2  # at the start, and for the line that is nothing


def test_the_story_and_a_local_client_do_not_go_together() -> None:
    result = CliRunner().invoke(cli, ["demo", "--once", "--local-teams"])
    assert result.exit_code == 2
    assert "do not go together" in result.output
