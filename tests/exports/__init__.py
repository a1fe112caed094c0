"""Tests of modelfleet/exports/."""
