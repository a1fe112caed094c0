"""Tests of modelfleet/saving/migration/."""
