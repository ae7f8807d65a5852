from click.testing import CliRunner

from bot.cli import cli


def test_a_branch_template_that_cannot_name_branches_is_wrong_usage() -> None:
    arguments = ["connect", "shop", "--url", "https://dev.azure.com/contoso", "--project", "Shop"]
    arguments += ["--pat-env", "SAMPLE_PAT", "--branch-template", "work/{number}"]
    result = CliRunner().invoke(cli, arguments, env={"SAMPLE_PAT": "sample"})
    assert result.exit_code == 2
    assert "not {number}" in result.output
