"""State -> Adaptive Card. Pure, except for ``view``, which reads what a card shows.

Microsoft's card types are pydantic models, each of which builds its validator when it is declared.
Most of them are never used, so each builds its own when it is: that is 4 MB less. Those of every
card are built at once, because the first card should not wait for them.
https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.defer_build
"""

from pydantic import BaseModel

BaseModel.model_config["defer_build"] = True
try:
    from microsoft_teams import cards
finally:
    del BaseModel.model_config["defer_build"]

for used in (
    cards.AdaptiveCard,
    cards.Column,
    cards.ColumnSet,
    cards.Container,
    cards.ExecuteAction,
    cards.OpenUrlAction,
    cards.RichTextBlock,
    cards.TextBlock,
    cards.TextRun,
):
    used.model_rebuild()
