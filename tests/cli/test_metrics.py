"""The metrics reference is the catalogue; acceptance tests compare it with what processes export."""

from __future__ import annotations

import pytest

from hrx.cli import metrics
from hrx.kit.catalogue import CATALOGUE
from hrx.kit.figures import MetricType

pytestmark = pytest.mark.req("R4.1-1")


def test_the_written_page_is_current() -> None:
    assert metrics.PAGE.read_text() == metrics.render(), "run `hrx metrics write`"


def test_every_metric_is_explained_in_both_languages_and_names_its_unit() -> None:
    for metric in CATALOGUE:
        assert metric.says.ja, metric.name
        assert metric.says.en, metric.name
        assert metric.unit, metric.name
        assert (metric.type is MetricType.COUNTER) == metric.name.endswith("_total"), metric.name
    names = [metric.name for metric in CATALOGUE]
    assert len(names) == len(set(names))


def test_every_label_is_bounded() -> None:
    for metric in CATALOGUE:
        for label in metric.labels:
            assert label.values or label.of, (metric.name, label.name)
            assert 1 <= label.at_most <= 250, (metric.name, label.name)
