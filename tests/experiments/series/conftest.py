"""A component with points of every source."""

from tests.experiments.production.conftest import component, send  # noqa: F401
