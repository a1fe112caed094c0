"""Tests of check/."""
