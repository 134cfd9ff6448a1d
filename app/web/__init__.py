"""What every page shares: languages, formats of money and time, headers, errors, health."""
