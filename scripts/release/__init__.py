"""Makes a release: archives that anybody can make again, checked against the repository, with a bill of materials."""
