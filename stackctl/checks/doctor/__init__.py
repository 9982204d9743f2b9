"""The doctor: what is wrong with a stack, ours or anybody's, from its files and from the running parts.

A check's id is its module's place in this package, `doctor/<module>`; its page is docs/checks/doctor-<module>.md.
"""
