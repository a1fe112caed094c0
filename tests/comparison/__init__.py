"""Tests of modelfleet/comparison/."""
