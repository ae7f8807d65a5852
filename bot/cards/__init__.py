"""State -> Adaptive Card. Pure, except for ``view``, which reads what a card shows.

Microsoft's card types are pydantic models, each of which builds its validator when it is declared.
Most of them are never used, so each builds its own when it is: that is 4 MB less.
https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.defer_build
"""

from pydantic import BaseModel

BaseModel.model_config["defer_build"] = True
try:
    import microsoft_teams.cards  # noqa: F401
finally:
    del BaseModel.model_config["defer_build"]
