"""What real services refuse, and how: the validation of requests that reach a fake upstream."""
