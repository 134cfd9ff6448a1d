"""Scanners at the running portal and at the code; `make scan` runs them all, `python -m scan --part static` one part."""
