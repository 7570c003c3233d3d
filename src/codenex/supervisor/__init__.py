"""The master process: owns the listening sockets, watches and replaces the processes. Standard library only."""
