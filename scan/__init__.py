"""Scanners at the running portal and at the code; `make scan` runs them all, `python -m scan static` one part."""
