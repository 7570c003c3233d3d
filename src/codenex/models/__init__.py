"""Facts about model families and hosts, as data: limits, thinking controls, sampling rules, schema dialects.

No I/O, and no behaviour but looking facts up and adapting schemas by them.
"""
