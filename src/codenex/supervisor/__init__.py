"""The master process: opens the listeners, starts, watches and replaces the other processes. Standard library only, so
that neither a broken dependency nor a broken configuration can stop what restarts the rest."""
