"""Tests of saving/."""
