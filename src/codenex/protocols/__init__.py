"""The four wire protocols, one folder each, all translating to and from the hub. No spoke knows another."""
