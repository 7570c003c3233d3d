"""Schema migrations, run at every start of the control process."""
