"""A row of doubles through the database and through fixtures."""

import json

import numpy as np
import pytest
from django.core import serializers

from experiments.models import MetricResult
from tests.factories import experiments

pytestmark = pytest.mark.django_db


def test_a_fixture_has_every_digit(owner, platform, custodian):
    experiments.measured(owner=owner, platform=platform, custodian=custodian)
    row = MetricResult.objects.first()
    MetricResult.objects.filter(pk=row.pk).update(values=[0.1 + 0.2, None, 1e-300])
    row.refresh_from_db()
    written = serializers.serialize("json", [row])
    assert json.loads(json.loads(written)[0]["fields"]["values"]) == [0.1 + 0.2, None, 1e-300]
    MetricResult.objects.filter(pk=row.pk).update(values=[])
    next(serializers.deserialize("json", written)).save()
    row.refresh_from_db()
    assert np.array_equal(row.values, [0.1 + 0.2, np.nan, 1e-300], equal_nan=True)


def test_what_is_read_cannot_be_written_to(owner, platform, custodian):
    experiments.measured(owner=owner, platform=platform, custodian=custodian)
    values = MetricResult.objects.first().values
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 5.0
