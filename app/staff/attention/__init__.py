"""One inbox for what needs a person: found where it is, taken by somebody, closed with a reason or gone by itself."""
