"""Profile a CSV file: what it holds, how it is spread, what hangs together."""
