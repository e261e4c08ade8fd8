"""Whatever the OpenAPI description allows, and much that it does not, is answered, and as it says."""

from __future__ import annotations

import pytest

pytest.importorskip("granian")
schemathesis = pytest.importorskip("schemathesis")

from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi import checks

from fastdiar.serving.app import create
from fastdiar.serving.settings import ServeSettings

PASSED_OVER = [
    checks.positive_data_acceptance,  # not every string of bytes is a recording
    checks.allow_header_conformance,  # Starlette's `Allow` tells one of a path's methods
]
schema = schemathesis.openapi.from_dict(create(ServeSettings()).openapi())


@schema.parametrize()
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_endpoint_keeps_to_its_description(case: schemathesis.Case, server: str) -> None:
    case.call_and_validate(base_url=server, excluded_checks=PASSED_OVER, timeout=60)
