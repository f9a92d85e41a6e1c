"""Values of before, which were JSON, are the same numbers in a row of doubles, and back."""

import datetime as dt

import numpy as np

BEFORE, AFTER = [("experiments", "0005_looks")], [("experiments", "0006_vectors")]
VALUES = [[1.0, None, 0.1 + 0.2], [None], [], [1e-300, -5.0]]


def test_values_are_the_same_numbers_there_and_back(empty_database):
    apps = empty_database(BEFORE)
    run = run_of_before(apps).pk
    results = apps.get_model("experiments", "MetricResult").objects
    for number, values in enumerate(VALUES):
        results.create(run_id=run, metric=f"m{number}", kind="mean", summary={}, values=values)
    results = empty_database(AFTER).get_model("experiments", "MetricResult").objects
    for row, values in zip(results.order_by("metric"), VALUES, strict=True):
        assert np.array_equal(row.values, np.array(values, dtype=float), equal_nan=True)
    results = empty_database(BEFORE).get_model("experiments", "MetricResult").objects
    assert [row.values for row in results.order_by("metric")] == VALUES


def run_of_before(apps):
    at = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)

    def make(model, app="experiments", /, **fields):
        return apps.get_model(app, model).objects.create(**fields)

    person = make("User", "accounts", username="somebody")
    policy = make(
        "GatePolicy", name="p", version=1, body={}, digest="0" * 64, created_by=person, created_at=at
    )
    component = make(
        "Component", name="c", kind="prompt", risk="low", owner=person, created_by=person, created_at=at
    )
    versions = [
        make(
            "ComponentVersion",
            component=component,
            version=name,
            configuration={},
            digest=name * 64,
            created_by=person,
            created_at=at,
        )
        for name in "ab"
    ]
    dataset = make(
        "Dataset", "datasets", slug="d", name="d", custodian=person, created_by=person, created_at=at
    )
    golden = make(
        "DatasetVersion",
        "datasets",
        dataset=dataset,
        version="1",
        digest="1" * 64,
        manifest="2" * 64,
        example_count=3,
        created_by=person,
        created_at=at,
    )
    experiment = make(
        "Experiment",
        public_id="exp-20260102-001",
        component=component,
        candidate=versions[0],
        baseline=versions[1],
        dataset_version=golden,
        policy=policy,
        needs_people=False,
        attempt=1,
        submitted_by=person,
        submitted_at=at,
    )
    endpoint = make("Endpoint", base_url="http://127.0.0.1:9/v1")
    return make(
        "Run",
        experiment=experiment,
        arm="candidate",
        version=versions[0],
        endpoint=endpoint,
        record={},
        started_at=at,
    )
