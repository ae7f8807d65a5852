"""CHECKS 9: Teams' windows are kept, whatever is asked and whenever."""

from hypothesis import given
from hypothesis import strategies as st

from bot.send_budget import CONVERSATION_WINDOWS, MARGIN_S, SendBudget


def send_all(budget: SendBudget, conversations: list[str]) -> list[tuple[str, float]]:
    """Send as fast as the budget allows, on a virtual clock."""
    now = 0.0
    sent = []
    for conversation in conversations:
        while (wait := budget.wait_s(conversation, now)) > 0:
            now += wait
        budget.take(conversation, now)
        sent.append((conversation, now))
    return sent


def most_in_window(times: list[float], seconds: float) -> int:
    """The largest number of times in any half-open window of this length."""
    return max(
        (sum(1 for t in times if start <= t < start + seconds) for start in times), default=0
    )


def test_checks_9_five_hundred_messages_keep_every_window_of_a_conversation() -> None:
    times = [at for _, at in send_all(SendBudget(), ["one"] * 500)]
    for count, seconds in CONVERSATION_WINDOWS:
        assert most_in_window(times, seconds) <= count
    # and no slower than the windows ask: 60 in 30 s is the narrowest for 500
    assert times[-1] <= (30.0 + MARGIN_S) * (500 / 60)


def test_checks_9_thirty_per_second_over_all_conversations() -> None:
    times = [at for _, at in send_all(SendBudget(), [f"c{n}" for n in range(100)])]
    assert most_in_window(times, 1.0) == 30


def test_checks_9_a_busy_conversation_does_not_delay_another() -> None:
    budget = SendBudget()
    for _ in range(7):
        budget.take("busy", 0.0)
    assert budget.wait_s("busy", 0.0) == 1.0 + MARGIN_S
    assert budget.wait_s("other", 0.0) == 0.0


@given(st.lists(st.sampled_from("ab"), max_size=80), st.integers(1, 10))
def test_no_order_of_conversations_breaks_a_window(order: list[str], per_second: int) -> None:
    sent = send_all(SendBudget(per_second=per_second), order)
    assert most_in_window([at for _, at in sent], 1.0) <= per_second
    for name in "ab":
        times = [at for conversation, at in sent if conversation == name]
        for count, seconds in CONVERSATION_WINDOWS:
            assert most_in_window(times, seconds) <= count


def test_idle_conversations_are_forgotten() -> None:
    budget = SendBudget(per_second=50)
    for n in range(1000):
        budget.take(f"c{n}", n * 10.0)
    assert len(budget._conversations) < 400
