"""The metrics and the paired tests, on answers that are written down here."""

from __future__ import annotations

import numpy as np
import pytest

from modelfleet.comparison import metrics, verdict
from modelfleet.comparison.scoring import Labels, Values


def labels(targets: list[int], first: list[int], second: list[int]) -> Labels:
    """Answers of two binary classifiers that are 0.8 sure of what they say."""
    shares = [np.where(np.eye(2)[side] == 1, 0.8, 0.2) for side in (first, second)]
    return Labels(["no", "yes"], np.array(targets), np.array(first), np.array(second), (shares[0], shares[1]))


def values(first: float, second: float, rows: int = 20) -> Values:
    """Answers of two regressors, each wrong by the same amount in every row."""
    targets = np.arange(rows, dtype=float).reshape(-1, 1)
    return Values(targets, targets + first, targets + second)


def test_two_classes_have_accuracy_macro_f1_log_loss_and_roc_auc() -> None:
    found = {one.metric: one for one in metrics.of_labels(labels([0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 1, 1]))}
    assert list(found) == ["accuracy", "macro_f1", "log_loss", "roc_auc"]
    assert (found["accuracy"].first, found["accuracy"].second) == (0.75, 1.0)
    assert found["macro_f1"].first == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found["log_loss"].second == pytest.approx(-np.log(0.8))
    assert (found["roc_auc"].first, found["log_loss"].higher_is_better) == (0.75, False)


def test_an_area_under_the_curve_needs_both_classes() -> None:
    assert "roc_auc" not in {one.metric for one in metrics.of_labels(labels([1, 1], [0, 1], [1, 1]))}


def test_a_regressor_has_mae_rmse_and_r2() -> None:
    found = {one.metric: one.second for one in metrics.of_values(values(1.0, -2.0))}
    assert found == pytest.approx({"mae": 2.0, "rmse": 2.0, "r2": 1 - 4 / np.arange(20).var()})


def test_mcnemar_is_the_binomial_test_on_the_rows_that_one_has_right() -> None:
    judged = verdict.of_labels(labels([1] * 10, [0] * 6 + [1] * 4, [1] * 10))
    assert judged.verdict == verdict.BETTER
    assert judged.p_value == pytest.approx(2 * 0.5**6)
    assert judged.counts == {"both_right": 4, "only_first_right": 0, "only_second_right": 6, "neither_right": 0}
    assert judged.agreement == 0.4


def test_five_rows_can_t_show_a_difference_and_that_is_said() -> None:
    judged = verdict.of_labels(labels([1] * 10, [0] * 5 + [1] * 5, [1] * 10))
    assert judged.verdict == verdict.NOT_SHOWN
    assert "fewer than 6" in judged.notes[0]


@pytest.mark.parametrize(("first", "second", "said"), [(2, 1, verdict.BETTER), (1, -2, verdict.WORSE)])
def test_smaller_errors_are_better(first: float, second: float, said: str) -> None:
    assert verdict.of_values(values(first, second)).verdict == said


def test_answers_that_differ_only_by_rounding_are_ties() -> None:
    judged = verdict.of_values(values(1.0, 1.0 + 1e-7))
    assert (judged.verdict, judged.counts["equally_near"], judged.agreement) == (verdict.NOT_SHOWN, 20, 1.0)
