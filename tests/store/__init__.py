"""Tests of modelfleet/store/."""
