"""Tests of modelfleet.copies.holders."""
