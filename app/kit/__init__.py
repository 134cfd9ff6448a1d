"""Pure helpers: money, clock, ids, e-mail addresses, file names, signed tokens. Nothing here touches the outside."""
