import math

import numpy as np
import pytest

from augment import Flip, ResizeCrop, Shift
from rad.agents.bandit import UCB, make_arms, split_arms
from tests.reference import bandit as reference


def played(num_arms, history, **options):
    ucb = UCB(num_arms, **options)
    for arm, value in history:
        ucb.update(arm, value)
    return ucb


def test_scores_by_hand():
    """Three returns, so the fourth choice; log 4 = 1.386294. Arm 0: (1 + 2) / 2 + 0.1 * sqrt(1.386294 / 2) =
    1.5 + 0.1 * 0.832555 = 1.583255; arm 1: 1.45 + 0.1 * sqrt(1.386294) = 1.45 + 0.117741 = 1.567741.
    """
    ucb = played(2, [(0, 1.0), (1, 1.45), (0, 2.0)])
    assert ucb.scores() == pytest.approx([1.5832555, 1.5677410], abs=1e-7)
    assert ucb.choose() == 0


def test_the_bonus_can_decide():
    """With coef 1: 1.5 + 0.832555 = 2.332555 against 1.45 + 1.177410 = 2.627410."""
    assert played(2, [(0, 1.0), (1, 1.45), (0, 2.0)], coef=1.0).choose() == 1
    assert played(2, [(0, 1.0), (1, 1.45), (0, 2.0)], coef=0.0).choose() == 0


def test_untried_arms_come_first_in_order():
    ucb = UCB(3)
    for arm in range(3):
        assert ucb.choose() == arm
        assert ucb.scores()[arm] == math.inf
        ucb.update(arm, -100.0 if arm else 100.0)
    assert ucb.choose() == 0


def test_an_arm_may_be_tried_out_of_order():
    assert played(3, [(0, 9.0), (2, 9.0)]).choose() == 1


def test_of_equal_arms_the_first_wins():
    assert played(3, [(0, 1.0), (1, 1.0), (2, 1.0)]).choose() == 0


def test_old_returns_leave_the_window_and_stay_in_the_count():
    """The first of four leaves a window of 3: (6 + 7 + 8) / 3 = 7; the fifth choice: 7 + sqrt(log 5 / 4)."""
    ucb = played(1, [(0, 1000.0), (0, 6.0), (0, 7.0), (0, 8.0)], coef=1.0, window=3)
    assert ucb.scores() == pytest.approx([7 + math.sqrt(math.log(5) / 4)])


def test_defaults_are_the_papers():
    ucb = UCB(1)
    assert (ucb.coef, ucb.returns[0].maxlen) == (0.1, 10)


def test_to_choose_changes_nothing():
    ucb = played(2, [(0, 1.0), (1, 2.0)])
    before = ucb.state_dict()
    assert ucb.choose() == ucb.choose()
    assert ucb.state_dict() == before


@pytest.mark.parametrize(("coef", "window"), [(0.1, 10), (1.0, 2), (0.0, 1)])
def test_equals_the_reference_over_a_long_run(coef, window):
    rng = np.random.default_rng(0)
    ucb, history = UCB(4, coef=coef, window=window), []
    for number in range(200):
        arm = ucb.choose()
        assert arm == reference.choose(history, 4, coef, window), number
        history.append((arm, float(rng.normal(arm / 4))))
        ucb.update(*history[-1])
    assert len({arm for arm, _ in history}) == 4


def test_the_best_arm_is_found_and_left_when_it_fades():
    ucb, choices = UCB(3), []
    for number in range(200):
        choices.append(ucb.choose())
        best = 1 if number < 100 else 2
        ucb.update(choices[-1], float(choices[-1] == best))
    assert choices[50:100].count(1) > 40
    assert choices[150:].count(2) > 40


def test_state_goes_through_a_round_trip():
    ucb, other = played(2, [(0, 1.0), (1, 2.0), (1, 4.0)]), UCB(2)
    state = ucb.state_dict()
    assert state == {"counts": [1, 2], "returns": [[1.0], [2.0, 4.0]]}
    other.load_state_dict(state)
    other.update(1, 5.0)
    ucb.update(0, 6.0)
    assert state == {"counts": [1, 2], "returns": [[1.0], [2.0, 4.0]]}
    assert other.state_dict() == {"counts": [1, 3], "returns": [[1.0], [2.0, 4.0, 5.0]]}


def test_a_smaller_window_keeps_the_latest_returns():
    smaller = UCB(1, window=2)
    smaller.load_state_dict(played(1, [(0, 1.0), (0, 2.0), (0, 3.0)]).state_dict())
    assert smaller.state_dict() == {"counts": [3], "returns": [[2.0, 3.0]]}


@pytest.mark.parametrize(
    ("act", "text"),
    [
        (lambda: UCB(0), "ucb: num_arms must be at least 1, got 0"),
        (lambda: UCB(2, coef=-0.1), "ucb: coef must be at least 0 and finite, got -0.1"),
        (lambda: UCB(2, coef=math.inf), "ucb: coef must be at least 0 and finite, got inf"),
        (lambda: UCB(2, window=0), "ucb: window must be at least 1, got 0"),
        (lambda: UCB(2).update(2, 0.0), "ucb: arm must be from 0 to 1, got 2"),
        (lambda: UCB(2).update(-1, 0.0), "ucb: arm must be from 0 to 1, got -1"),
        (lambda: UCB(2).update(0, math.nan), "ucb: mean_return must be finite, got nan"),
        (lambda: UCB(2).load_state_dict(UCB(3).state_dict()), "ucb: arms of the state must be 2, got 3"),
        (lambda: split_arms("ucb:crop"), "ucb: arms must be two or more, as in ucb:a,b, got 'ucb:crop'"),
        (lambda: split_arms("ucb:"), "ucb: arms must be two or more, as in ucb:a,b, got 'ucb:'"),
        (lambda: split_arms("ucb:a,b,a"), "ucb: arms must be different from each other, got 'ucb:a,b,a'"),
        (
            lambda: make_arms("ucb:flip,crop", 84),
            "arms of ucb must have one input size, got {'flip': (84, 84), 'crop': (100, 100)}",
        ),
    ],
)
def test_errors(act, text):
    with pytest.raises(ValueError) as error:
        act()
    assert str(error.value) == text


@pytest.mark.parametrize(
    ("spec", "arms"),
    [
        ("crop+flip", ("crop+flip",)),
        ("ucb:crop,flip", ("crop", "flip")),
        ("ucb:shift:pad=12,flip/rotate,crop+cutout:min_px=7", ("shift:pad=12", "flip/rotate", "crop+cutout:min_px=7")),
        ("ucb:overlay:folder='a,b',none", ("overlay:folder='a,b'", "none")),
    ],
)
def test_arms_of_a_text(spec, arms):
    assert split_arms(spec) == arms


def test_arms_are_built_by_their_texts():
    assert make_arms("ucb:crop,flip:p=0.5", 64, crop="pad") == {"crop": Shift(12), "flip:p=0.5": Flip(0.5)}
    assert make_arms("ucb:crop,flip", 64, crop="resize")["crop"] == ResizeCrop()
    assert make_arms("shift", 64) == {"shift": Shift()}


def test_arms_report_the_errors_of_make():
    with pytest.raises(ValueError, match=r"^unknown augmentation 'crp'; known: none, crop"):
        make_arms("ucb:crp,flip")
    with pytest.raises(ValueError, match=r"^augmentation '' has an empty link"):
        make_arms("ucb:flip,")
