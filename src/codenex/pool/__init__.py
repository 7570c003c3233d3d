"""Pure policy: which account is tried next, and when one rests. Time and randomness are passed in; nothing is sent."""
