from tests.docs.generated import COMMANDS, README, REWRITE, commands_document, readme


def test_the_command_reference_is_what_the_registry_says() -> None:
    assert COMMANDS.read_text("utf-8") == commands_document(), f"stale: run {REWRITE}"


def test_the_tables_of_the_readme_are_what_the_code_says() -> None:
    text = README.read_text("utf-8")
    assert text == readme(text), f"stale: run {REWRITE}"
