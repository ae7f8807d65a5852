"""When the work on stored webhooks stands back for storing new ones."""

from collections.abc import Callable

from bot.storm import CALM_S, CROWD, LOOK_EVERY_S, STAND_BACK_S, Storm


class Time:
    """A clock that goes on only while somebody sleeps; ``meanwhile`` happens in each sleep."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept += 1
        self.now += seconds
        self.meanwhile()


def crowd(storm: Storm) -> None:
    """So many bodies are stored at once that it counts as a storm."""
    for _ in range(CROWD):
        storm.__enter__()
    for _ in range(CROWD):
        storm.__exit__(None, None, None)


async def test_in_calm_nobody_waits() -> None:
    time = Time()
    storm = Storm(time.sleep, monotonic=time)
    with storm:
        await storm.passed()
    assert time.slept == 0


async def test_work_waits_until_it_has_been_calm_for_a_while() -> None:
    time = Time()
    storm = Storm(time.sleep, monotonic=time)
    crowd(storm)
    await storm.passed()
    assert time.slept >= CALM_S / LOOK_EVERY_S
    assert time.now - 100 < 1


async def test_after_a_stall_it_looks_once_more_before_it_goes_on() -> None:
    time = Time()
    storm = Storm(time.sleep, monotonic=time)
    crowd(storm)

    def stall_then_crowd() -> None:
        if time.slept == 1:  # the process was held up: its clock says that it was calm
            time.now += CALM_S
        elif time.slept == 2:  # and what waited in its sockets comes now
            crowd(storm)

    time.meanwhile = stall_then_crowd
    await storm.passed()
    assert time.slept > 2 + CALM_S / LOOK_EVERY_S


async def test_no_storm_holds_work_up_for_ever() -> None:
    time = Time()
    storm = Storm(time.sleep, monotonic=time)
    crowd(storm)
    time.meanwhile = lambda: crowd(storm)
    await storm.passed()
    assert STAND_BACK_S <= time.now - 100 < STAND_BACK_S + 1


async def test_at_the_end_nobody_waits_any_more() -> None:
    time = Time()
    storm = Storm(time.sleep, monotonic=time)
    crowd(storm)
    time.meanwhile = storm.end
    await storm.passed()
    assert time.slept == 1
