"""Every card looks as its snapshot says, is valid, and every module of cards has one."""

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import bot.cards
from bot.cards.parts import MOST_BYTES, size_of
from bot.teams_model import OutgoingMessage
from tests.bot.cards.schema import schema_errors
from tests.cards.samples import samples
from tests.cards.snapshots import CARDS, as_snapshot, check

SAMPLES = samples()
PIECES = {"answers", "parts"}
"""Modules of which other cards are made; the answers to commands are in test_answers."""


def test_every_card_is_as_in_its_snapshot() -> None:
    check(CARDS, ".json", {name: as_snapshot(sent) for name, sent in SAMPLES.items()})


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_card_follows_the_official_schema_and_is_small_enough(name: str) -> None:
    card = SAMPLES[name].card
    if card is None:
        assert SAMPLES[name].text
        return
    assert schema_errors(card) == []
    assert size_of(card) <= MOST_BYTES


def _draws(module: ModuleType) -> bool:
    return any(
        inspect.signature(function).return_annotation is OutgoingMessage
        for _, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
    )


def test_every_module_that_draws_a_card_has_a_sample() -> None:
    modules = {
        found.name
        for found in pkgutil.iter_modules(bot.cards.__path__)
        if _draws(importlib.import_module(f"bot.cards.{found.name}"))
    }
    sampled = {name.partition("-")[0] for name in SAMPLES}
    assert modules - PIECES <= sampled
    assert "pull_request" in modules
