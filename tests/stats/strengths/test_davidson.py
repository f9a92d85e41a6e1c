"""Bradley–Terry and Davidson strengths against published fits, and what must hold of them whatever the votes."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.preference import net_preference
from evaltrack.stats.strengths import LEFT, RIGHT, TIE, strengths
from evaltrack.stats.strengths.newton import around_both, inverted
from evaltrack.stats.strengths.votes import crossed, designed, numbered
from tests.stats.strengths.voting import drawn, judged

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)

TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
# Agresti 2002, table 10.10: how often the team of the row beat that of the column in 1987.
BEAT = [
    [0, 7, 9, 7, 7, 9, 11],
    [6, 0, 7, 5, 11, 9, 9],
    [4, 6, 0, 7, 7, 8, 12],
    [6, 8, 6, 0, 6, 7, 10],
    [6, 2, 6, 7, 0, 7, 12],
    [4, 4, 5, 6, 6, 0, 6],
    [2, 4, 1, 3, 1, 7, 0],
]
# The same season by place: wins–losses of the home team (row) against each visitor.
AT_HOME = """
- 4-3 4-2 4-3 6-1 4-2 6-0
3-3 - 4-2 4-3 6-0 6-1 4-3
2-5 4-3 - 2-4 4-3 4-2 6-0
3-3 5-1 2-5 - 4-3 4-2 6-1
5-1 2-5 3-3 4-2 - 5-2 6-0
2-5 3-3 3-4 4-3 4-2 - 2-4
2-5 1-5 1-6 2-4 1-6 3-4 -
"""
# Davidson 1970: six brands of chocolate pudding, (i, j): i preferred, j preferred, no preference.
PUDDING = {
    (1, 2): (19, 22, 16),
    (1, 3): (16, 19, 12),
    (2, 3): (19, 19, 10),
    (1, 4): (18, 23, 13),
    (2, 4): (23, 19, 9),
    (3, 4): (19, 20, 15),
    (1, 5): (13, 19, 18),
    (2, 5): (16, 20, 12),
    (3, 5): (16, 15, 17),
    (4, 5): (17, 14, 16),
    (1, 6): (18, 21, 12),
    (2, 6): (22, 20, 12),
    (3, 6): (13, 18, 10),
    (4, 6): (14, 19, 18),
    (5, 6): (11, 21, 12),
}


def votes(counted):
    """One vote a prompt, from (left, right, outcome, how often)."""
    rows = [row[:3] for row in counted for _ in range(row[3])]
    left, right, outcomes = np.array(rows).T
    return left, right, outcomes, np.arange(len(rows))


def season():
    return votes((i, j, LEFT, wins) for i, row in enumerate(BEAT) for j, wins in enumerate(row) if wins)


def season_by_place():
    games = []
    for home, line in enumerate(AT_HOME.split("\n")[1:-1]):
        for visitor, cell in enumerate(line.split()):
            if cell != "-":
                won, lost = map(int, cell.split("-"))
                games += [(home, visitor, LEFT, won), (home, visitor, RIGHT, lost)]
    return votes(game for game in games if game[3])


def relative_to_last(fitted):
    return fitted.strengths[:-1] - fitted.strengths[-1]


def model_errors(fitted):
    """Standard errors of the differences to the last system, if games were independent."""
    last = len(TEAMS) - 2
    errors = []
    for system in range(len(TEAMS) - 1):
        contrast = np.zeros(len(fitted.model_covariance))
        contrast[last] = -1
        if system:
            contrast[system - 1] = 1
        errors.append(float(np.sqrt(contrast @ fitted.model_covariance @ contrast)))
    return errors


def test_baseball():
    fitted = strengths(*season(), order=False)
    assert relative_to_last(fitted) == approx(
        [1.58136, 1.43641, 1.29449, 1.24762, 1.10770, 0.68385], abs=5e-6
    )
    assert model_errors(fitted) == approx([0.343, 0.340, 0.337, 0.336, 0.334, 0.332], abs=6e-4)
    assert fitted.tie_weight == 0


def test_baseball_at_home():
    fitted = strengths(*season_by_place())
    assert relative_to_last(fitted) == approx([1.6196, 1.4754, 1.3271, 1.2813, 1.1438, 0.7047], abs=5e-5)
    assert fitted.order_effect.value == approx(0.3023, abs=5e-5)
    assert np.sqrt(fitted.model_covariance[-1, -1]) == approx(0.1309, abs=5e-5)
    assert deviance(fitted) == approx(38.64, abs=5e-3)  # on 35 degrees of freedom
    # The same games without an effect of place, on 36.
    assert deviance(strengths(*season_by_place(), order=False)) == approx(44.05, abs=5e-3)


def deviance(fitted):
    """Against the model that fits each of the 42 home records by itself."""
    left, right, outcomes, _ = season_by_place()
    saturated = 0.0
    for pair in set(zip(left.tolist(), right.tolist(), strict=True)):
        of_pair = outcomes[(left == pair[0]) & (right == pair[1])]
        won = float((of_pair == LEFT).mean())
        saturated += sum(
            np.log(share) * count
            for share, count in ((won, (of_pair == LEFT).sum()), (1 - won, (of_pair == RIGHT).sum()))
            if count
        )
    return 2 * (saturated - fitted.log_likelihood)


def tastings():
    return votes(
        (i - 1, j - 1, outcome, count)
        for (i, j), row in PUDDING.items()
        for outcome, count in zip((LEFT, RIGHT, TIE), row, strict=True)
    )


def test_chocolate_pudding():
    fitted = strengths(*tastings(), order=False)
    worth = np.exp(fitted.strengths)
    assert worth / worth.sum() == approx([0.13880, 0.17300, 0.16175, 0.16537, 0.15869, 0.20239], abs=5e-6)
    assert fitted.tie_weight == approx(0.74682, abs=5e-6)


def test_davidsons_own_iterations_end_there():
    """His cyclic estimates after seven rounds from equal worths, as he printed them, and where they lead."""
    wins, ties = np.zeros((6, 6)), np.zeros((6, 6))
    for (i, j), (first, second, tied) in PUDDING.items():
        wins[i - 1, j - 1], wins[j - 1, i - 1] = first, second
        ties[i - 1, j - 1] = ties[j - 1, i - 1] = tied
    games = wins + wins.T + ties
    worth, nu = np.full(6, 1 / 6), 0.0
    nu = 2 * ties.sum() / (2 * games.sum() - 2 * ties.sum())
    for rounds in range(1, 400):
        root = np.sqrt(np.outer(worth, worth))
        total = worth[:, None] + worth + nu * root
        weight = (games * (2 + nu * np.sqrt(worth / worth[:, None])) / total).sum(axis=1)
        worth = (2 * wins.sum(axis=1) + ties.sum(axis=1)) / weight
        worth /= worth.sum()
        root = np.sqrt(np.outer(worth, worth))
        nu = ties.sum() / (games * root / (worth[:, None] + worth + nu * root)).sum()
        if rounds == 7:
            assert worth == approx([0.1392, 0.1730, 0.1620, 0.1655, 0.1590, 0.2014], abs=1.5e-3)
            assert nu == approx(0.747, abs=1e-3)
    fitted = np.exp(strengths(*tastings(), order=False).strengths)
    assert worth == approx(fitted / fitted.sum(), abs=1e-7)


@repeatable
@given(st.integers(0, 2**32 - 1), st.floats(-5, 5))
def test_adding_a_constant_to_all_worths_changes_nothing(seed, constant):
    left, right, outcomes, prompts = drawn(np.random.default_rng(seed), 40)
    fitted = strengths(left, right, outcomes, prompts)
    assume(not isinstance(fitted, Undefined))
    theta = fitted.strengths + constant
    half = (theta[left] - theta[right] + fitted.order_effect.value) / 2
    chances = np.stack([np.exp(half), np.full_like(half, fitted.tie_weight), np.exp(-half)])
    chances /= chances.sum(axis=0)
    assert np.log(chances[1 - outcomes, np.arange(len(left))]).sum() == approx(fitted.log_likelihood)


def test_independent_votes_have_the_errors_of_the_model():
    fitted = strengths(*drawn(np.random.default_rng(5), 20_000, each=1))
    assert np.diag(fitted.covariance) == approx(np.diag(fitted.model_covariance), rel=0.05)
    assert fitted.difference(1, 0).value == approx(0.4, abs=0.05)
    assert fitted.order_effect.value == approx(0.2, abs=0.05)


def test_repeating_every_vote_adds_no_evidence():
    once = drawn(np.random.default_rng(6), 300)
    thrice = tuple(np.tile(each, 3) for each in once)
    there, again = strengths(*once), strengths(*thrice)
    for pair in ((1, 0), (2, 0), (2, 1)):
        a, b = there.difference(*pair), again.difference(*pair)
        assert (a.value, a.ci_low, a.ci_high) == approx((b.value, b.ci_low, b.ci_high))
    assert again.n == 3 * there.n


@pytest.mark.parametrize(
    ("left", "right", "outcomes", "reason"),
    [
        ([], [], [], "there are no votes"),
        ([0, 1, 0], [1, 2, 2], [1, 1, 1], "the 3 systems fall into 3 groups of which one never won or tied"),
        ([0, 1, 3], [1, 0, 4], [1, 1, 0], "fall into 3 groups"),
        ([0, 1, 0, 1], [1, 0, 1, 0], [1, 1, 1, 1], "all votes went to one side"),
        ([0, 1, 0, 1], [1, 0, 1, 0], [0, 0, 0, 0], "all votes are ties"),
    ],
)
def test_undefined(left, right, outcomes, reason):
    found = strengths(left, right, outcomes, list(range(len(left))))
    assert isinstance(found, Undefined)
    assert reason in found.reason


def test_few_prompts_have_no_interval():
    left, right, outcomes, _ = drawn(np.random.default_rng(7), 100)
    found = strengths(left, right, outcomes, np.arange(len(left)) % 4).difference(1, 0)
    assert found.ci_undefined == "votes on 4 prompts do not support an interval: 5 are needed"


@pytest.mark.parametrize(
    ("votes", "problem"),
    [
        (([0, 1], [1], [1, 1], [0, 1]), "one entry per vote"),
        (([0.5], [1], [1], [0]), "whole numbers"),
        (([-1], [1], [1], [0]), "numbered from 0"),
        (([1], [1], [1], [0]), "two different systems"),
        (([0], [1], [2], [0]), "1, 0 or -1"),
    ],
)
def test_what_is_no_vote(votes, problem):
    with pytest.raises(ValueError, match=problem):
        strengths(*votes)


some_votes = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 3), st.sampled_from([LEFT, TIE, RIGHT]), st.integers(0, 8)),
    min_size=20,
    max_size=80,
)


@repeatable
@given(some_votes)
def test_showing_every_pair_the_other_way_round_turns_the_order_effect(rows):
    left, by, outcomes, prompts = np.array(rows).T
    right = (left + by) % 4
    there, back = strengths(left, right, outcomes, prompts), strengths(right, left, -outcomes, prompts)
    assert isinstance(there, Undefined) == isinstance(back, Undefined)
    if isinstance(there, Undefined):
        return
    assert there.order_effect.value == approx(-back.order_effect.value, abs=1e-6)
    assert there.strengths == approx(back.strengths, abs=1e-6)
    forth, reverse = there.difference(0, 3), there.difference(3, 0)
    assert forth.value == approx(-reverse.value)
    if forth.ci_low is not None:
        assert forth.ci_low == approx(-reverse.ci_high)


@repeatable
@given(st.lists(st.sampled_from([LEFT, RIGHT]), min_size=6, max_size=60))
def test_two_systems_without_ties_are_the_share_of_wins(outcomes):
    found = strengths([0] * len(outcomes), [1] * len(outcomes), outcomes, range(len(outcomes)), order=False)
    if len(set(outcomes)) == 1:
        assert isinstance(found, Undefined)
        return
    net = net_preference(outcomes, range(len(outcomes))).value
    assert found.difference(0, 1).value == approx(np.log((1 + net) / (1 - net)), abs=1e-8)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.permutations(range(6)), st.booleans())
def test_numbering_the_systems_otherwise_changes_no_strength(order, shown):
    left, right, outcomes, prompts = tastings()
    there = strengths(left, right, outcomes, prompts, order=shown)
    names = np.array(order)
    again = strengths(names[left], names[right], outcomes, prompts, order=shown)
    assert again.strengths[names] == approx(there.strengths, abs=1e-8)
    assert again.log_likelihood == approx(there.log_likelihood)
    one, other = there.difference(2, 4), again.difference(order[2], order[4])
    assert (one.ci_low, one.ci_high) == approx((other.ci_low, other.ci_high))


def test_twice_the_votes_of_new_prompts_halve_the_variances():
    left, right, outcomes, prompts = tastings()
    once = strengths(left, right, outcomes, prompts)
    new = np.concatenate([prompts, prompts + len(prompts)])
    twice = strengths(np.tile(left, 2), np.tile(right, 2), np.tile(outcomes, 2), new)
    assert twice.strengths == approx(once.strengths, abs=1e-8)
    assert twice.model_covariance == approx(once.model_covariance / 2)
    n = len(prompts)
    assert twice.covariance * (2 * n - 1) / (2 * n) == approx(once.covariance * (n - 1) / n / 2)


# Systems 0 to 2 beat each other; 3 has beaten all of them and lost to nobody; 4 has no votes.
UNDEFEATED = (
    [0, 1, 1, 2, 2, 0, 3, 3, 0, 1],
    [1, 0, 2, 1, 0, 2, 0, 1, 3, 2],
    [LEFT, LEFT, LEFT, LEFT, LEFT, LEFT, LEFT, LEFT, RIGHT, TIE],
    list(range(10)),
)


def test_an_undefeated_system_has_a_strength_with_a_weak_penalty_only():
    apart = strengths(*UNDEFEATED)
    assert "2 groups of which one never won or tied" in apart.reason
    found = strengths(*UNDEFEATED, fall_back=True, systems=5)
    assert (
        found.penalty
        == f"A weak penalty keeps the strengths finite: {strengths(*UNDEFEATED, systems=5).reason}."
    )
    assert found.strengths.argmax() == 3
    assert found.difference(3, 0).value < 6
    assert found.difference(3, 0).ci_low is None
    assert "a penalty keeps this finite" in found.difference(3, 0).ci_undefined
    assert found.difference(0, 1).ci_low < 0 < found.difference(0, 1).ci_high
    assert found.strengths.sum() == approx(0)
    assert found.strengths[4] == approx(0, abs=0.1)  # without a vote, nearly an average system
    assert np.isfinite(found.covariance).all()


def test_two_votes_for_one_side_and_nothing_else():
    """Half a win and half a loss against the average leave two votes to say what two votes can."""
    found = strengths([0, 0], [1, 1], [LEFT, LEFT], [0, 1], order=False, fall_back=True)
    # 2·ln σ(2t) + ln σ(t) + ln σ(−t), whose derivative 4σ(−2t) + 1 − 2σ(t) is 0 at the strengths ± t
    t = found.strengths[0]
    assert 4 / (1 + np.exp(2 * t)) + 1 - 2 / (1 + np.exp(-t)) == approx(0, abs=1e-9)
    assert 0.5 < t < 2


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.permutations(range(5)))
def test_the_penalty_does_not_depend_on_the_numbers_of_the_systems(order):
    names = np.array(order)
    left, right, *others = UNDEFEATED
    there = strengths(left, right, *others, fall_back=True, systems=5)
    again = strengths(names[left], names[right], *others, fall_back=True, systems=5)
    assert again.strengths[names] == approx(there.strengths, abs=1e-7)


def test_without_need_nothing_is_penalised():
    there, same = strengths(*tastings()), strengths(*tastings(), fall_back=True)
    assert same.penalty == there.penalty == ""
    assert same.strengths.tolist() == there.strengths.tolist()
    assert set(there.parts) == {0}
    assert isinstance(strengths([0, 1], [1, 0], [TIE, TIE], [0, 1], fall_back=True), Undefined)
    with pytest.raises(ValueError, match="votes name a system 5, but there are 3"):
        strengths(*tastings(), systems=3)


@repeatable
@given(st.integers(2, 12), st.booleans(), st.integers(0, 2**32 - 1))
def test_sums_over_pairs_are_those_of_the_rows(systems, order, seed):
    rng = np.random.default_rng(seed)
    ones = rng.integers(0, systems, 30)
    others = (ones + rng.integers(1, systems, 30)) % systems
    weights = rng.exponential(size=30)
    rows = designed(ones, others, systems, order=order)
    assert crossed(ones, others, weights, systems, order=order) == approx(rows.T @ (rows * weights[:, None]))


@repeatable
@given(st.integers(1, 160), st.integers(0, 2**32 - 1))
def test_the_inverse_is_lapacks(size, seed):
    root = np.random.default_rng(seed).normal(size=(size + 5, size))
    square = root.T @ root
    np.testing.assert_allclose(inverted(square) @ square, np.eye(size), atol=1e-7)
    other = root.T @ np.diag(np.arange(size + 5)) @ root
    np.testing.assert_allclose(around_both(square, other), square @ other @ square, rtol=1e-6, atol=1e-9)


def test_what_is_not_positive_definite_has_no_inverse():
    with pytest.raises(ValueError, match="positive definite"):
        inverted(np.array([[1.0, 1.0], [1.0, 1.0]]))


@repeatable
@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_the_sandwich_is_that_of_its_definition(seed, order, ties):
    rng = np.random.default_rng(seed)
    left, right, outcomes, prompts = drawn(rng, 40, each=4)
    if not ties:
        outcomes = np.where(outcomes == TIE, LEFT, outcomes)
    shuffled = rng.permutation(len(left))
    fitted = strengths(
        left[shuffled], right[shuffled], outcomes[shuffled], 7 * prompts[shuffled], order=order
    )
    assume(not isinstance(fitted, Undefined))
    eta = fitted.strengths[left] - fitted.strengths[right] + (fitted.order_effect.value if order else 0)
    chances = np.stack([np.exp(eta / 2), np.full_like(eta, fitted.tie_weight), np.exp(-eta / 2)])
    chances /= chances.sum(axis=0)
    rows = designed(left, right, len(fitted.strengths), order=order)
    scores = rows * ((outcomes - (chances[0] - chances[2])) / 2)[:, None]
    if fitted.tie_weight:
        scores = np.column_stack([scores, (outcomes == TIE) - chances[1]])
    by_prompt = np.stack([scores[prompts == prompt].sum(axis=0) for prompt in np.unique(prompts)])
    groups = len(by_prompt)
    meat = by_prompt.T @ by_prompt * groups / (groups - 1)
    assert fitted.covariance == approx(fitted.model_covariance @ meat @ fitted.model_covariance, rel=1e-6)
    contrast = fitted.contrast(2, 1)
    assert fitted.variance(2, 1) == approx(contrast @ fitted.covariance @ contrast)


@repeatable
@given(st.lists(st.integers(-5, 5) | st.integers(-(2**62), 2**62), max_size=20))
def test_names_are_numbered_in_their_order(names):
    distinct, place = numbered(np.array(names, dtype=np.int64))
    expected, inverse = np.unique(np.array(names, dtype=np.int64), return_inverse=True)
    assert distinct.tolist() == expected.tolist()
    assert place.tolist() == inverse.tolist()


def test_two_ways_of_clustering_are_added_and_the_votes_taken_away():
    left, right, outcomes, prompts, raters = judged(np.random.default_rng(2), 60, 9)
    both = strengths(left, right, outcomes, prompts, raters=raters)
    by_prompt, by_rater = (strengths(left, right, outcomes, group) for group in (prompts, raters))
    votes = strengths(left, right, outcomes, np.arange(len(left)))
    expected = by_prompt.covariance + by_rater.covariance - votes.covariance
    assert both.covariance == approx(expected)
    assert both.strengths == approx(by_prompt.strengths)
    assert both.clusters == 9
    assert "two-way" in both.difference(0, 1).method
    for pair in ((0, 1), (1, 2)):
        least = max(by_prompt.variance(*pair), by_rater.variance(*pair))
        assert both.variance(*pair) >= least
    assert (
        "raters do not support"
        in strengths(left, right, outcomes, prompts, raters=raters % 4).difference(0, 1).ci_undefined
    )
    for wrong in (raters[:-1], raters + 0.5):
        with pytest.raises(ValueError, match="raters are whole numbers"):
            strengths(left, right, outcomes, prompts, raters=wrong)


def test_ratings_are_on_the_scale_of_chess():
    fitted = strengths(*season(), order=False)
    assert fitted.ratings.mean() == approx(1000)
    odds = np.exp(fitted.strengths[0] - fitted.strengths[6])
    assert fitted.ratings[0] - fitted.ratings[6] == approx(400 * np.log10(odds))


def test_the_sandwich_is_that_of_a_bootstrap_of_prompts():
    rng = np.random.default_rng(8)
    left, right, outcomes, prompts = drawn(rng, 150, alike=1.0)
    fitted = strengths(left, right, outcomes, prompts)
    rows = [np.flatnonzero(prompts == prompt) for prompt in range(150)]
    values = []
    for _ in range(400):
        chosen = [rows[prompt] for prompt in rng.integers(0, 150, 150)]
        again = np.concatenate(chosen)
        named = np.repeat(np.arange(150), [len(each) for each in chosen])
        values.append(strengths(left[again], right[again], outcomes[again], named).difference(0, 1).value)
    assert np.std(values) == approx(np.sqrt(fitted.variance(0, 1)), rel=0.12)


def test_a_strength_is_held_against_the_average_of_all():
    left, right, outcomes, prompts = drawn(np.random.default_rng(5), 80)
    fitted = strengths(left, right, outcomes, prompts)
    shown = [fitted.strength(system) for system in range(len(fitted.strengths))]
    assert [each.value for each in shown] == approx(list(fitted.strengths))
    assert all(each.ci_low < each.value < each.ci_high for each in shown)
    # With two systems the average lies half way, and so do limits.
    two = (left < 2) & (right < 2)
    pair = strengths(left[two], right[two], outcomes[two], prompts[two])
    half, whole = pair.strength(0), pair.difference(0, 1)
    assert (2 * half.ci_low, 2 * half.ci_high) == approx((whole.ci_low, whole.ci_high))
    # Which system is the first, whose strength is taken as 0, changes nothing.
    turned = strengths(2 - left, 2 - right, outcomes, prompts)
    assert turned.strength(2).ci_low == approx(shown[0].ci_low)


def test_a_strength_that_only_a_penalty_keeps_finite_has_no_interval():
    fitted = strengths([0, 1] * 10, [1, 0] * 10, [LEFT, RIGHT] * 10, range(20), fall_back=True)
    assert fitted.strength(0).ci_low is None
    assert "penalty" in fitted.strength(0).ci_undefined


def test_strengths_that_run_off_with_the_order_effect_are_undefined():
    """Shown left, the first always wins; shown right it loses now and then: both may be as strong as one likes."""
    left, right = [0] * 6 + [1] * 12, [1] * 6 + [0] * 12
    outcomes = [LEFT] * 6 + [RIGHT] * 11 + [LEFT]
    assert strengths(left, right, outcomes, range(18)) == Undefined(
        "the votes do not tell strengths and the order effect apart"
    )
    assert strengths(left, right, outcomes, range(18), order=False).strength(0).ci_low > 0
