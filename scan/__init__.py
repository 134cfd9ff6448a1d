"""Scanners at the running portal and at the code; `make scan` runs all, `python -m scan --part static` one part."""
