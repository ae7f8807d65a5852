import pytest
from tests.bot.talking import Talk

async def test_explore(talk: Talk) -> None:
    for t in ["help","hi","","prs","reviews","ticket 5","subscribe Shop/shop target main release/*","subscriptions","subscribe Shop","unsubscribe shop","unsubscribe Shop/shop","whoami","status","use shop","snyc pr 12","link me as jonas@example.com","subscribe Sohp/shpo","link ticket 1","confirm", "help subscribe", "start ticket 99"]:
        print(">>>", t); print(await talk.say(t))
    print([ (a.action,a.actor,a.before,a.after,a.cause) for a in await talk.read(lambda s: s.exec(__import__('sqlmodel').select(__import__('storage.tables').tables.AuditRow)).all())])
