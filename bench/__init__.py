"""Measurements. Run on a quiet machine; compare figures of one run only."""
