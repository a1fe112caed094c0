"""Speeds, measured on a local fleet; none of them is a test."""
