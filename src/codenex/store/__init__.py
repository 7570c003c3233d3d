"""State that outlives a request: files, configuration generations, credentials, counters. Dials nowhere."""
