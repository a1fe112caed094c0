"""Tests of modelfleet.copies."""
