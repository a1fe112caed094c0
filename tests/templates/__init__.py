"""Tests of templates/."""
