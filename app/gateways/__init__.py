"""The outside world, one module each. Nobody else imports its library; every call has a timeout and a named error."""
