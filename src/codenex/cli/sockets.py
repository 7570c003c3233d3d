"""Names of the Unix sockets in the folder that the processes of one gateway share."""

CONTROL_SOCKET = "control.sock"
INGEST_SOCKET = "ingest.sock"
