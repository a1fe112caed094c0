"""Smoke tests of a live fleet, strictly read-only: `pytest smoke_tests --fleet inventory/local.yml`."""
