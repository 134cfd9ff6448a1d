"""What the sample programs share: the portal's contract, texts, tables, plots and the page of a report."""
